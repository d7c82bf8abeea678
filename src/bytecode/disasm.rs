//! Human-readable listing of prototypes, for `wippy run --dump-bytecode` and for tests.
//!
//! One line per instruction: index, `[line]`, op name, operands (`R` registers, `K` constants, `U` upvalues, `->` jump
//! targets), then what the operands mean. Any prototype can be listed, even one the verifier refuses.

use super::instr::SLOT;
use super::ops::Operand;
use super::{Const, Instr, LocalVar, Op, Proto};
use std::fmt::Write as _;

/// Lists a function and all functions inside it.
#[must_use]
pub fn disassemble(proto: &Proto) -> String {
    let mut out = String::new();
    // An explicit stack: prototypes read from outside may nest deeper than anyone would write.
    let mut todo = vec![proto];
    while let Some(p) = todo.pop() {
        if !out.is_empty() {
            out.push('\n');
        }
        header(p, &mut out);
        for pc in 0..p.code.len() {
            instruction(p, pc, &mut out);
        }
        tables(p, &mut out);
        todo.extend(p.protos.iter().rev());
    }
    out
}

/// Lists only the instructions of one function.
#[must_use]
pub fn listing(proto: &Proto) -> String {
    let mut out = String::new();
    for pc in 0..proto.code.len() {
        instruction(proto, pc, &mut out);
    }
    out
}

/// Writing to a `String` cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => { write!($out, $($arg)*).expect("a String takes everything") };
}

fn header(p: &Proto, out: &mut String) {
    let source = String::from_utf8_lossy(&p.source);
    let source = if source.is_empty() { "?" } else { source.strip_prefix(['@', '=']).unwrap_or(&source) };
    let source = source.lines().next().unwrap_or_default();
    if p.line_defined == 0 {
        put!(out, "main <{source}>");
    } else {
        put!(out, "function <{source}:{},{}>", p.line_defined, p.last_line_defined);
    }
    let vararg = if p.is_vararg { "+" } else { "" };
    put!(
        out,
        ": {} instructions, {}{vararg} parameters, {} registers, {} upvalues, {} locals, {} constants, {} functions\n",
        p.code.len(),
        p.num_params,
        p.max_stack,
        p.upvals.len(),
        p.locals.len(),
        p.consts.len(),
        p.protos.len()
    );
}

fn instruction(p: &Proto, pc: usize, out: &mut String) {
    let i = p.code[pc];
    put!(out, "{pc:>5} ");
    match p.origins.get(pc) {
        Some(origin) => put!(out, "{:<7}", format!("[{}]", origin.line)),
        None => put!(out, "{:<7}", "[-]"),
    }
    let Some(op) = i.op() else {
        put!(out, "?{:02x}\n", i.op_byte());
        return;
    };
    let mut operands = Vec::new();
    let mut notes = Vec::new();
    let kinds = op.operands();
    let short = [(kinds.a, i.a()), (kinds.b, i.b()), (kinds.c, i.c())];
    for (kind, value) in short {
        operand(p, kind, value, &mut operands, &mut notes);
    }
    wide(p, pc, kinds.w, i, &mut operands, &mut notes);
    if has_hint(op, i) {
        operands.push(format!("H{}", i.h()));
    }
    let text = format!("{:<14} {}", op.name(), operands.join(" "));
    if notes.is_empty() {
        put!(out, "{}\n", text.trim_end());
    } else {
        put!(out, "{text:<32} ; {}\n", notes.join(" "));
    }
}

/// Only hints that change the meaning are shown: a field's name hash depends on the running program.
fn has_hint(op: Op, i: Instr) -> bool {
    let kinds = op.operands();
    i.h() != 0 && ![kinds.b, kinds.c].contains(&Operand::Key)
}

fn operand(p: &Proto, kind: Operand, value: u16, operands: &mut Vec<String>, notes: &mut Vec<String>) {
    match kind {
        Operand::Dst | Operand::Src | Operand::Base => operands.push(format!("R{}", u32::from(value) / SLOT)),
        Operand::Const | Operand::Key | Operand::Num => constant(p, u32::from(value) / SLOT, operands, notes),
        Operand::Up => {
            operands.push(format!("U{value}"));
            if let Some(up) = p.upvals.get(usize::from(value))
                && !up.name.is_empty()
            {
                notes.push(String::from_utf8_lossy(&up.name).into_owned());
            }
        }
        Operand::Count => operands.push(value.to_string()),
        Operand::Imm => operands.push((value as i16).to_string()),
        Operand::None | Operand::Jump | Operand::WideConst | Operand::WideInt | Operand::Proto => {}
    }
}

fn wide(p: &Proto, pc: usize, kind: Operand, i: Instr, operands: &mut Vec<String>, notes: &mut Vec<String>) {
    match kind {
        Operand::Jump => operands.push(format!("-> {}", pc as i64 + 1 + i64::from(i.w()))),
        Operand::WideConst => constant(p, i.w() as u32 / SLOT, operands, notes),
        Operand::WideInt => operands.push(i.w().to_string()),
        Operand::Proto => {
            operands.push(format!("P{}", i.w()));
            if let Some(f) = p.protos.get(i.w() as usize) {
                notes.push(format!("<{},{}>", f.line_defined, f.last_line_defined));
            }
        }
        _ => {}
    }
}

fn constant(p: &Proto, index: u32, operands: &mut Vec<String>, notes: &mut Vec<String>) {
    operands.push(format!("K{index}"));
    if let Some(k) = p.consts.get(index as usize) {
        notes.push(render(k));
    }
}

/// A constant as source text, long strings cut.
fn render(k: &Const) -> String {
    match k {
        Const::Nil => "nil".into(),
        Const::False => "false".into(),
        Const::True => "true".into(),
        Const::Integer(i) => i.to_string(),
        Const::Float(n) => format!("{n:?}"),
        Const::String(s) => {
            let cut = &s[..s.len().min(40)];
            let dots = if cut.len() < s.len() { "..." } else { "" };
            format!("\"{}\"{dots}", cut.escape_ascii())
        }
    }
}

fn tables(p: &Proto, out: &mut String) {
    if !p.consts.is_empty() {
        put!(out, "constants:\n");
        for (i, k) in p.consts.iter().enumerate() {
            put!(out, "    K{i} {}\n", render(k));
        }
    }
    if !p.upvals.is_empty() {
        put!(out, "upvalues:\n");
        for (i, up) in p.upvals.iter().enumerate() {
            let place = if up.in_stack { "register" } else { "upvalue" };
            let name = String::from_utf8_lossy(&up.name);
            put!(out, "    U{i} {} ({place} {})\n", if name.is_empty() { "-" } else { &name }, up.index);
        }
    }
    if !p.locals.is_empty() {
        put!(out, "locals:\n");
        // Lives nest, so those that are active are a stack.
        let mut active: Vec<&LocalVar> = Vec::new();
        for l in &p.locals {
            while active.pop_if(|last| last.end_pc <= l.start_pc).is_some() {}
            let name = String::from_utf8_lossy(&l.name);
            put!(out, "    R{} {name} {}..{}\n", active.len(), l.start_pc, l.end_pc);
            active.push(l);
        }
    }
}
