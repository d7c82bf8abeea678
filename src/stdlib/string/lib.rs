//! The table `string` and its small functions.

use super::super::Lib;
use super::{build, find, formatting, gsub, packing, position};
use crate::limits::MAX_REPEATED;
use crate::vm::LuaError;
use crate::vm::native::{Args, Cx, Kind, LStr, Native, Step, Val, native_flag};
use smallvec::SmallVec;

type R = Result<Step, LuaError>;

pub static LIB: Lib = Lib {
    name: "string",
    functions: &[
        Native::with("byte", byte, native_flag::RETRY).quick(quick_byte),
        Native::with("char", char_, native_flag::RETRY).quick(quick_char),
        Native::with("dump", dump, native_flag::RETRY),
        Native::with("find", find::find, native_flag::RETRY),
        Native::new("format", formatting::format),
        Native::with("gmatch", find::gmatch, native_flag::RETRY),
        Native::new("gsub", gsub::gsub),
        Native::with("len", len, native_flag::RETRY).quick(quick_len),
        Native::with("lower", lower, native_flag::RETRY),
        Native::with("match", find::match_, native_flag::RETRY),
        Native::with("rep", rep, native_flag::RETRY),
        Native::with("reverse", reverse, native_flag::RETRY),
        Native::with("sub", sub, native_flag::RETRY).quick(quick_sub),
        Native::with("upper", upper, native_flag::RETRY),
        Native::with("pack", packing::pack, native_flag::RETRY),
        Native::with("packsize", packing::packsize, native_flag::RETRY),
        Native::with("unpack", packing::unpack, native_flag::RETRY),
    ],
};

/// Opens the library and gives strings their metatable.
///
/// # Errors
/// Memory.
pub fn open(cx: &mut Cx<'_>) -> Result<(), LuaError> {
    super::super::open_lib(cx, &LIB)?;
    let library = cx.globals().get_name(LIB.name);
    let meta = cx.table(0, 1)?;
    meta.set_name(cx, "__index", library)?;
    let any = cx.name("");
    cx.set_metatable(any, Some(meta))?;
    Ok(())
}

fn len(cx: &mut Cx<'_>) -> R {
    let s = cx.check_str(0)?;
    cx.ret(s.len() as i64)
}

/// The bytes from position `from` to `to` (counted as Lua does) as a range of offsets.
fn range(from: i64, to: i64, len: usize) -> std::ops::Range<usize> {
    let start = position(from, len).max(1);
    let end = position(to, len).min(len as i64);
    if start > end { 0..0 } else { start as usize - 1..end as usize }
}

fn sub(cx: &mut Cx<'_>) -> R {
    let s = cx.check_str(0)?;
    let from = cx.check_int(1)?;
    let to = cx.opt_int(2, -1)?;
    let range = range(from, to, s.len());
    if range.len() == s.len() {
        return cx.ret(s);
    }
    let bytes = &s.bytes()[range];
    build(cx, bytes.len(), |out, at| out.copy_from_slice(&bytes[at..at + out.len()]))
}

/// An integer argument, or what stands for a missing one.
#[inline(always)]
fn quick_int(args: Args<'_>, i: usize, default: i64) -> Option<i64> {
    let v = args.get(i);
    if v.is_int() { v.to_int() } else { v.is_nil().then_some(default) }
}

fn quick_len(args: Args<'_>) -> Val<'_> {
    args.get(0).as_str().map_or(Val::DECLINED, |s| Val::int(s.len() as i64))
}

/// Results longer than this pay for their length, in the ordinary form.
const QUICK_BYTES: usize = 64;

fn quick_sub(args: Args<'_>) -> Val<'_> {
    let (Some(s), Some(to)) = (args.get(0).as_str(), quick_int(args, 2, -1)) else { return Val::DECLINED };
    if !args.get(1).is_int() {
        return Val::DECLINED;
    }
    let range = range(quick_int(args, 1, 1).unwrap_or(1), to, s.len());
    if range.len() == s.len() {
        return s.into();
    }
    if range.len() > QUICK_BYTES {
        return Val::DECLINED;
    }
    args.string(&s.bytes()[range]).unwrap_or(Val::DECLINED)
}

fn quick_byte(args: Args<'_>) -> Val<'_> {
    let (Some(s), Some(from)) = (args.get(0).as_str(), quick_int(args, 1, 1)) else { return Val::DECLINED };
    if args.len() > 2 {
        return Val::DECLINED;
    }
    let at = position(from, s.len());
    match s.bytes().get((at - 1) as usize) {
        Some(&byte) if at > 0 => Val::int(i64::from(byte)),
        _ => Val::NOTHING,
    }
}

fn quick_char(args: Args<'_>) -> Val<'_> {
    match (args.len(), args.get(0).kind()) {
        (1, Kind::Int(byte @ 0..=0xff)) => args.string(&[byte as u8]).unwrap_or(Val::DECLINED),
        _ => Val::DECLINED,
    }
}

fn byte(cx: &mut Cx<'_>) -> R {
    let s = cx.check_str(0)?;
    let from = position(cx.opt_int(1, 1)?, s.len());
    let to = cx.opt_int(2, from)?;
    let range = range(from, to, s.len());
    // A result of one byte is what loops over a string ask for.
    if let [byte] = s.bytes()[range.clone()] {
        return cx.ret(i64::from(byte));
    }
    let bytes = &s.bytes()[range];
    room_for_results(cx, bytes.len())?;
    for &byte in bytes {
        cx.push(Val::int(i64::from(byte)));
    }
    cx.charge(bytes.len() / 8);
    Ok(Step::Return(bytes.len() as u32))
}

/// Room for many results, as `luaL_checkstack` asks for it.
fn room_for_results(cx: &mut Cx<'_>, n: usize) -> Result<(), LuaError> {
    if n >= i32::MAX as usize {
        return Err(LuaError::message("string slice too long"));
    }
    if !cx.fits(n) {
        return Err(LuaError::message("stack overflow (string slice too long)"));
    }
    cx.reserve(n)
}

fn char_(cx: &mut Cx<'_>) -> R {
    let mut bytes: SmallVec<[u8; 64]> = SmallVec::new();
    for i in 0..cx.top() {
        let Ok(byte) = u8::try_from(cx.check_int(i)?) else {
            return Err(LuaError::argument(i + 1, "value out of range"));
        };
        bytes.push(byte);
    }
    cx.charge(bytes.len() / 8);
    cx.ret_str(&bytes)
}

/// The string with its bytes changed in place after a copy, which the compiler turns into vector instructions.
fn map(cx: &mut Cx<'_>, map: impl Fn(&mut [u8])) -> R {
    let s = cx.check_str(0)?;
    let bytes = s.bytes();
    build(cx, bytes.len(), |out, at| {
        out.copy_from_slice(&bytes[at..at + out.len()]);
        map(out);
    })
}

fn lower(cx: &mut Cx<'_>) -> R {
    map(cx, <[u8]>::make_ascii_lowercase)
}

fn upper(cx: &mut Cx<'_>) -> R {
    map(cx, <[u8]>::make_ascii_uppercase)
}

fn reverse(cx: &mut Cx<'_>) -> R {
    let s = cx.check_str(0)?;
    let bytes = s.bytes();
    build(cx, bytes.len(), |out, at| {
        for (to, from) in out.iter_mut().zip(bytes[..bytes.len() - at].iter().rev()) {
            *to = *from;
        }
    })
}

fn rep(cx: &mut Cx<'_>) -> R {
    let s = cx.check_str(0)?;
    let n = cx.check_int(1)?;
    let separator = cx.opt_str(2)?;
    let separator = separator.as_ref().map_or(&b""[..], |s| s.bytes());
    let Ok(n @ 1..) = usize::try_from(n) else { return cx.ret_str(b"") };
    if n == 1 {
        return cx.ret(s);
    }
    let unit = s.len() + separator.len();
    if unit > MAX_REPEATED / n {
        return Err(LuaError::message("resulting string too large"));
    }
    let total = unit * n - separator.len();
    build(cx, total, |out, at| repeat(out, at, s, separator))
}

/// Writes what stands from offset `at` in an endless repetition of `s` and `separator`.
fn repeat(out: &mut [u8], at: usize, s: LStr<'_>, separator: &[u8]) {
    let s = s.bytes();
    if let ([byte], []) = (s, separator) {
        out.fill(*byte);
        return;
    }
    let unit = s.len() + separator.len();
    let first = out.len().min(unit);
    let mut done = 0;
    let mut offset = if unit == 0 { 0 } else { at % unit };
    while done < first {
        let source = if offset < s.len() { &s[offset..] } else { &separator[offset - s.len()..] };
        let n = source.len().min(first - done);
        out[done..done + n].copy_from_slice(&source[..n]);
        done += n;
        offset = (offset + n) % unit;
    }
    // What is there doubles until all is full; it always holds whole units.
    while done < out.len() {
        let n = done.min(out.len() - done);
        out.copy_within(..n, done);
        done += n;
    }
}

fn dump(cx: &mut Cx<'_>) -> R {
    cx.check_function(0)?;
    let strip = cx.arg(1).is_truthy();
    match cx.dump_in_turns(strip)? {
        Some(chunk) => cx.ret(chunk),
        None => Ok(Step::Again),
    }
}
