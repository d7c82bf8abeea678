//! The native functions of the `utf8` library.

use super::Lib;
use super::utf8::{self, CHAR_PATTERN, LAST_CODE_POINT, NextCode, relative_position};
use crate::vm::LuaError;
use crate::vm::native::progress::Kept;
use crate::vm::native::text::Text;
use crate::vm::native::{Cx, Native, Step, Val, native_flag};

type R = Result<Step, LuaError>;

pub(super) static LIB: Lib = Lib {
    name: "utf8",
    functions: &[
        Native::with("char", char_, native_flag::RETRY),
        Native::with("codes", codes, native_flag::RETRY),
        Native::with("codepoint", codepoint, native_flag::RETRY),
        Native::with("len", len, native_flag::RETRY),
        Native::with("offset", offset, native_flag::RETRY),
    ],
};

static CODES_STEP: Native = Native::new("codes_step", codes_step);

/// Characters counted between two looks at the budget.
const CHARACTERS_AT_ONCE: usize = 1 << 12;

pub(super) fn open(cx: &mut Cx<'_>) -> Result<(), LuaError> {
    super::open_lib(cx, &LIB)?;
    let pattern = cx.string(CHAR_PATTERN)?;
    if let Some(library) = cx.globals().get_name(LIB.name).as_table() {
        library.set_name(cx, "charpattern", pattern)?;
    }
    Ok(())
}

fn char_(cx: &mut Cx<'_>) -> R {
    let mut text = Text::new();
    for i in 0..cx.top() {
        let code = u32::try_from(cx.check_int(i)?).ok().filter(|&code| code <= LAST_CODE_POINT);
        let Some(code) = code else { return Err(LuaError::argument(i + 1, "value out of range")) };
        utf8::encode(&mut text, code);
    }
    cx.charge(cx.top() / 8);
    cx.ret_text(&mut text)
}

/// What `len` has counted.
struct Counted {
    characters: usize,
    at: usize,
}

impl Kept for Counted {}

fn len(cx: &mut Cx<'_>) -> R {
    let s = cx.check_str(0)?.bytes();
    let first = relative_position(cx.opt_int(1, 1)?, s.len());
    let last = relative_position(cx.opt_int(2, -1)?, s.len());
    let Some(first) = usize::try_from(first.wrapping_sub(1)).ok().filter(|&at| at <= s.len()) else {
        return Err(LuaError::argument(2, "initial position out of string"));
    };
    let last = last.wrapping_sub(1);
    if last >= s.len() as i64 {
        return Err(LuaError::argument(3, "final position out of string"));
    }
    let mut counted = match cx.state() {
        1 => cx.take::<Counted>().map(|c| *c),
        _ => None,
    }
    .unwrap_or(Counted { characters: 0, at: first });
    loop {
        match utf8::count(s, &mut counted.at, last, CHARACTERS_AT_ONCE) {
            Ok(n) => {
                counted.characters += n;
                if n < CHARACTERS_AT_ONCE {
                    cx.charge(n / 8);
                    return cx.ret(counted.characters as i64);
                }
            }
            Err(at) => {
                cx.push(Val::NIL);
                cx.push(Val::int(at as i64 + 1));
                return Ok(Step::Return(2));
            }
        }
        if cx.charge(CHARACTERS_AT_ONCE / 8) {
            cx.set_state(1);
            cx.keep(counted);
            return Ok(Step::Again);
        }
    }
}

fn codepoint(cx: &mut Cx<'_>) -> R {
    let s = cx.check_str(0)?.bytes();
    let first = relative_position(cx.opt_int(1, 1)?, s.len());
    let last = relative_position(cx.opt_int(2, first)?, s.len());
    let Some(mut at) = usize::try_from(first.wrapping_sub(1)).ok() else {
        return Err(LuaError::argument(2, "out of range"));
    };
    let Some(end) = usize::try_from(last).ok().filter(|&end| end <= s.len()) else {
        return Err(LuaError::argument(3, "out of range"));
    };
    if first > last {
        return Ok(Step::Return(0));
    }
    if end - at >= i32::MAX as usize {
        return Err(LuaError::message("string slice too long"));
    }
    if !cx.fits(end - at) {
        return Err(LuaError::message("stack overflow (string slice too long)"));
    }
    cx.reserve(end - at)?;
    let mut count = 0;
    while at < end {
        let Some((code, size)) = utf8::decode(&s[at..]) else {
            return Err(LuaError::message("invalid UTF-8 code"));
        };
        cx.push(Val::int(i64::from(code)));
        at += size;
        count += 1;
    }
    cx.charge(count as usize / 8);
    Ok(Step::Return(count))
}

fn offset(cx: &mut Cx<'_>) -> R {
    let s = cx.check_str(0)?.bytes();
    let n = cx.check_int(1)?;
    let default = if n >= 0 { 1 } else { s.len() as i64 + 1 };
    let at = relative_position(cx.opt_int(2, default)?, s.len());
    let Some(at) = usize::try_from(at.wrapping_sub(1)).ok().filter(|&at| at <= s.len()) else {
        return Err(LuaError::argument(3, "position out of range"));
    };
    let mut way = match cx.state() {
        1 => cx.take::<Way>().map(|way| *way),
        _ => None,
    }
    .unwrap_or(Way { left: n, at });
    loop {
        // A step of `n` characters forwards counts the one it starts at.
        let most = CHARACTERS_AT_ONCE as i64;
        let n = way.left.clamp(-most, most);
        let Ok(found) = utf8::offset(s, n, way.at) else {
            return Err(LuaError::message("initial position is a continuation byte"));
        };
        let Some(found) = found else { return cx.ret(Val::NIL) };
        let spent = cx.charge(found.abs_diff(way.at) / 8);
        if n == way.left {
            return cx.ret(found as i64 + 1);
        }
        way = Way { left: if n > 0 { way.left - n + 1 } else { way.left - n }, at: found };
        if spent {
            cx.set_state(1);
            cx.keep(way);
            return Ok(Step::Again);
        }
    }
}

/// How far `offset` has come: characters left to go, and from where.
#[derive(Clone, Copy)]
struct Way {
    left: i64,
    at: usize,
}

impl Kept for Way {}

fn codes(cx: &mut Cx<'_>) -> R {
    let s = cx.check_str(0)?;
    cx.push(Val::native(&CODES_STEP));
    cx.push(s.into());
    cx.push(Val::int(0));
    Ok(Step::Return(3))
}

fn codes_step(cx: &mut Cx<'_>) -> R {
    let s = cx.check_str(0)?.bytes();
    // As 5.3: a control value that is no integer counts as 0.
    let control = cx.arg(1).to_int().unwrap_or(0);
    match utf8::next_code(s, control) {
        NextCode::End => Ok(Step::Return(0)),
        NextCode::Code(at, code) => {
            cx.push(Val::int(at));
            cx.push(Val::int(i64::from(code)));
            Ok(Step::Return(2))
        }
        NextCode::Invalid => Err(LuaError::message("invalid UTF-8 code")),
    }
}
