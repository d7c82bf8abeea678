//! Every rule refuses the code made to break it.

use super::tests::compile;
use crate::bytecode::instr::SLOT;
use crate::bytecode::verify::verify;
use crate::bytecode::{Const, Instr, Op, Origin, Origins, Proto, Text, UpvalDesc};

const fn r(n: u16) -> u16 {
    n * SLOT as u16
}

fn abc(op: Op, a: u16, b: u16, c: u16) -> Instr {
    Instr::abc(op, 0, a, b, c)
}

fn aw(op: Op, a: u16, w: i32) -> Instr {
    Instr::aw(op, 0, a, w)
}

fn ret() -> Instr {
    abc(Op::Return0, 0, 0, 0)
}

/// A function of 8 registers with constants `"x"`, `1`, nil, one upvalue and one nested function.
fn proto(code: &[Instr]) -> Proto {
    let mut p = compile("local function f() end").unwrap();
    p.code = code.into();
    p.origins = Origins::default();
    p.locals = [].into();
    p.max_stack = 8;
    p.consts = [Const::String(b"x".as_slice().into()), Const::Integer(1), Const::Nil].into();
    p
}

fn refused(code: &[Instr], what: &str) {
    let found = verify(&proto(code));
    assert_eq!(found.map_err(|e| e.what), Err(what), "{code:?}");
}

fn accepted(code: &[Instr]) {
    assert_eq!(verify(&proto(code)), Ok(()), "{code:?}");
}

#[test]
fn operands() {
    accepted(&[abc(Op::Move, r(7), r(0), 0), ret()]);
    refused(&[abc(Op::Move, r(8), r(0), 0), ret()], "register");
    refused(&[abc(Op::Move, r(0), 8, 0), ret()], "register");
    refused(&[Instr(0xff), ret()], "no such op");
    refused(&[abc(Op::GetUpval, 0, 1, 0), ret()], "upvalue");
    refused(&[abc(Op::GetField, 0, 0, r(1)), ret()], "string constant");
    refused(&[abc(Op::GetField, 0, 0, 1), ret()], "string constant");
    refused(&[abc(Op::AddK, 0, 0, r(0)), ret()], "number constant");
    refused(&[abc(Op::SetFieldK, 0, r(0), r(3)), ret()], "constant");
    refused(&[aw(Op::LoadK, 0, 3 * SLOT as i32), ret()], "constant");
    refused(&[aw(Op::LoadK, 0, -16), ret()], "constant");
    refused(&[aw(Op::LoadK, 0, 8), ret()], "constant");
    refused(&[aw(Op::Closure, 0, 1), ret()], "nested function");
    refused(&[aw(Op::Closure, 0, -1), ret()], "nested function");
    refused(&[Instr::abc(Op::AddI, 3, 0, 0, 0), ret()], "hint");
    refused(&[Instr::abc(Op::GetField, 1, 0, 0, 0), ret()], "hint");
}

#[test]
fn ranges() {
    accepted(&[abc(Op::LoadNil, r(6), 2, 0), ret()]);
    refused(&[abc(Op::LoadNil, r(6), 3, 0), ret()], "register range");
    refused(&[abc(Op::LoadNil, r(6), 0, 0), ret()], "count");
    refused(&[abc(Op::Concat, 0, r(6), 3), ret()], "register range");
    refused(&[abc(Op::Concat, 0, r(6), 1), ret()], "count");
    refused(&[abc(Op::Method, r(7), 0, 0), ret()], "register range");
    refused(&[abc(Op::Call, r(6), 4, 1), ret()], "register range");
    refused(&[abc(Op::Call, r(6), 1, 4), ret()], "register range");
    refused(&[abc(Op::Return, r(6), 4, 0)], "register range");
    refused(&[abc(Op::Vararg, r(6), 4, 0), ret()], "register range");
    refused(&[abc(Op::SetList, r(6), 2, 0), aw(Op::Extra, 0, 0), ret()], "register range");
    refused(&[abc(Op::GenericCall, r(3), 0, 1), aw(Op::GenericLoop, r(3), -2), ret()], "register range");
    refused(&[aw(Op::ForPrep, r(5), 1), aw(Op::ForLoop, r(5), -1), ret()], "register range");
}

#[test]
fn flow() {
    let test = abc(Op::JumpIf, 0, 0, 0);
    accepted(&[test, aw(Op::Jump, 0, 0), ret()]);
    refused(&[], "code size");
    refused(&[abc(Op::Move, 0, 0, 0)], "control runs off the end");
    refused(&[test, ret()], "conditional without a jump");
    refused(&[ret(), test, aw(Op::Jump, 0, 0)], "control runs off the end");
    refused(&[aw(Op::Jump, 0, 1), ret()], "jump out of the code");
    refused(&[ret(), aw(Op::Jump, 0, -2)], "direction of jump");
    refused(&[aw(Op::JumpBack, 0, 0), ret()], "direction of jump");
    refused(&[aw(Op::JumpBack, 0, -2)], "jump out of the code");
    refused(&[aw(Op::Jump, 0, 1), test, aw(Op::Jump, 0, 0), ret()], "jump into the middle of a group");
    refused(
        &[abc(Op::LoadFalseSkip, 0, 0, 0), test, aw(Op::Jump, 0, 0), ret()],
        "jump into the middle of a group",
    );
    refused(&[abc(Op::LoadFalseSkip, 0, 0, 0), ret()], "jump out of the code");
    let list = [abc(Op::SetList, 0, 1, 0), aw(Op::Extra, 0, 0)];
    accepted(&[list[0], list[1], ret()]);
    refused(&[list[0], ret()], "SetList without its operand");
    refused(&[list[1], ret()], "operand without its instruction");
    refused(&[list[0], aw(Op::Extra, 0, -1), ret()], "negative list index");
    refused(&[aw(Op::Jump, 0, 1), list[0], list[1], ret()], "jump into the middle of a group");
}

#[test]
fn loops() {
    accepted(&[aw(Op::ForPrep, 0, 1), aw(Op::ForLoop, 0, -1), ret()]);
    refused(&[aw(Op::ForPrep, 0, 0), aw(Op::ForLoop, 0, -1), ret()], "ForPrep without its ForLoop");
    refused(&[aw(Op::ForPrep, 0, 1), aw(Op::ForLoop, 16, -1), ret()], "ForPrep without its ForLoop");
    refused(&[abc(Op::Move, 0, 0, 0), aw(Op::ForLoop, 0, -1), ret()], "ForLoop without its ForPrep");
    let generic = [abc(Op::GenericCall, 0, 0, 1), aw(Op::GenericLoop, 0, -2)];
    accepted(&[generic[0], generic[1], ret()]);
    refused(&[generic[0], aw(Op::GenericLoop, 16, -2), ret()], "GenericCall without its loop");
    refused(&[abc(Op::Move, 0, 0, 0), generic[1], ret()], "GenericLoop without its call");
}

#[test]
fn open_results() {
    let (open, call) = (abc(Op::Call, r(1), 1, 0), abc(Op::Call, r(0), 0, 1));
    accepted(&[open, call, ret()]);
    accepted(&[open, abc(Op::Return, r(1), 0, 0)]);
    accepted(&[abc(Op::TailCall, 0, 1, 0), abc(Op::Return, 0, 0, 0)]);
    refused(&[open, ret()], "open results without a consumer");
    refused(&[call, ret()], "open arguments without a producer");
    refused(&[open, abc(Op::Call, r(1), 0, 1), ret()], "open arguments without a producer");
    refused(&[open, abc(Op::Return, r(2), 0, 0)], "open arguments without a producer");
    refused(&[abc(Op::TailCall, 0, 1, 0), ret()], "tail call without its return");
    refused(&[aw(Op::Jump, 0, 1), open, call, ret()], "jump into the middle of a group");
    let mut p = proto(&[abc(Op::Vararg, 0, 1, 0), ret()]);
    p.is_vararg = false;
    assert_eq!(verify(&p).map_err(|e| e.what), Err("'...' in a function without it"));
}

#[test]
fn captures() {
    let up = |in_stack, index| UpvalDesc { in_stack, index, name: Text::from(&[][..]) };
    let with = |up: UpvalDesc, code: &[Instr]| {
        let mut p = proto(code);
        p.protos[0].upvals = [up].into();
        verify(&p).map_err(|e| e.what)
    };
    let closing = Instr::abc(Op::Return, 1, 0, 1, 0);
    assert_eq!(with(up(true, 7), &[closing]), Ok(()));
    assert_eq!(with(up(true, 8), &[closing]), Err("captured variable"));
    assert_eq!(with(up(false, 0), &[ret()]), Ok(()));
    assert_eq!(with(up(false, 1), &[ret()]), Err("captured variable"));
    for open in [ret(), abc(Op::Return1, 0, 0, 0), abc(Op::Return, 0, 1, 0)] {
        assert_eq!(with(up(true, 0), &[open]), Err("return that leaves upvalues open"));
    }
}

#[test]
fn frames() {
    let change = |f: fn(&mut Proto)| {
        let mut p = proto(&[ret()]);
        f(&mut p);
        verify(&p).map_err(|e| e.what)
    };
    assert_eq!(change(|p| p.max_stack = 1), Err("frame size"));
    assert_eq!(change(|p| p.max_stack = 255), Err("frame size"));
    assert_eq!(change(|p| p.num_params = 9), Err("more parameters than registers"));
    assert_eq!(change(|p| p.origins = [Origin::default(); 2].into_iter().collect()), Err("line table size"));
    assert_eq!(change(|p| p.upvals = vec![p.upvals[0].clone(); 256].into()), Err("too many upvalues"));
    let mut p = proto(&[ret()]);
    for _ in 0..300 {
        p.upvals = [].into();
        let mut outer = proto(&[ret()]);
        outer.protos = [p].into();
        p = outer;
    }
    assert_eq!(verify(&p).map_err(|e| e.what), Err("functions nested too deep"));
}
