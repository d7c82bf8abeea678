//! `string.pack`, `string.packsize` and `string.unpack`.

use super::pack::{self as items, Blame, Kind, Measure, Options, PackError, Unpacked, Unpacker};
use super::substring;
use crate::vm::LuaError;
use crate::vm::native::progress::Kept;
use crate::vm::native::text::Text;
use crate::vm::native::{Cx, Step, Val};

type R = Result<Step, LuaError>;

/// The error; `value` is the window slot of the value at hand.
fn error(e: PackError, value: usize) -> LuaError {
    let mut text = Vec::new();
    e.write(&mut text);
    match e.blame() {
        Blame::None => LuaError::message(text),
        Blame::Value => LuaError::argument(value + 1, text),
        Blame::Argument(n) => LuaError::argument(usize::from(n), text),
    }
}

/// A `pack` under way.
struct Packing {
    out: Text,
    options: Options,
    /// Window slot of the next value.
    next: usize,
}

impl Kept for Packing {
    fn outside(&self) -> usize {
        self.out.outside()
    }
}

pub fn pack(cx: &mut Cx<'_>) -> R {
    let format = cx.check_str(0)?.bytes();
    let mut p = match cx.state() {
        1 => cx.take::<Packing>().map(|p| *p),
        _ => None,
    }
    .unwrap_or_else(|| {
        // As 5.3, a missing value is "nil" in messages: the arguments end with a mark.
        cx.push(Val::NIL);
        Packing { out: Text::new(), options: Options::default(), next: 1 }
    });
    while let Some(item) = p.options.next(format, p.out.len()).map_err(|e| error(e, p.next))? {
        cx.grow_text(&mut p.out, item.size + item.align + 1)?;
        items::pack_padding(&mut p.out, &item);
        let i = p.next;
        match item.kind {
            Kind::Int | Kind::Uint => {
                let n = cx.check_int(i)?;
                items::pack_int(&mut p.out, &item, n).map_err(|e| error(e, i))?;
            }
            Kind::Float => items::pack_float(&mut p.out, &item, cx.check_float(i)?),
            Kind::Char | Kind::Str | Kind::Zero => {
                let s = cx.check_str(i)?.bytes();
                cx.grow_text(&mut p.out, s.len().saturating_add(item.size + 1))?;
                items::pack_bytes(&mut p.out, &item, s).map_err(|e| error(e, i))?;
                cx.charge(s.len() / 64);
            }
            Kind::Padding | Kind::Align | Kind::Nothing => {}
        }
        p.next += usize::from(item.kind.has_value());
        if cx.charge(1) {
            cx.set_state(1);
            cx.keep(p);
            return Ok(Step::Again);
        }
    }
    cx.charge(p.out.len() / 64);
    cx.ret_text(&mut p.out)
}

pub fn packsize(cx: &mut Cx<'_>) -> R {
    let format = cx.check_str(0)?.bytes();
    let mut measure = cx.take::<Measure>().map_or_else(Measure::default, |kept| *kept);
    loop {
        if let Some(size) = measure.next(format).map_err(|e| error(e, 0))? {
            return cx.ret(size as i64);
        }
        if cx.charge(1) {
            cx.keep(measure);
            return Ok(Step::Again);
        }
    }
}

impl Kept for Measure {}

/// An `unpack` under way; the values found so far are in the window.
struct Unpacking {
    unpacker: Unpacker,
    count: u32,
}

impl Kept for Unpacking {}

pub fn unpack(cx: &mut Cx<'_>) -> R {
    let format = cx.check_str(0)?.bytes();
    let data = cx.check_str(1)?;
    let mut u = match cx.take::<Unpacking>() {
        Some(kept) => *kept,
        None => {
            let from = cx.opt_int(2, 1)?;
            let unpacker = Unpacker::new(from, data.bytes()).map_err(|e| error(e, 0))?;
            Unpacking { unpacker, count: 0 }
        }
    };
    while let Some(v) = u.unpacker.next(format, data.bytes()).map_err(|e| error(e, 0))? {
        if !cx.fits(2) {
            return Err(LuaError::message("stack overflow (too many results)"));
        }
        cx.reserve(2)?;
        let v = match v {
            Unpacked::Int(n) => Some(Val::int(n)),
            Unpacked::Float(x) => Some(Val::float(x)),
            Unpacked::Bytes(range) => {
                cx.charge(range.len() / 64);
                Some(substring(cx, data, range.start, range.end)?)
            }
            Unpacked::Nothing => None,
        };
        if let Some(v) = v {
            cx.push(v);
            u.count += 1;
        }
        if cx.charge(1) {
            cx.keep(u);
            return Ok(Step::Again);
        }
    }
    cx.push(Val::int(u.unpacker.position() as i64));
    Ok(Step::Return(u.count + 1))
}
