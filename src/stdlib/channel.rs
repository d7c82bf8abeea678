//! The `channel` library (`spec/channel.md`): the functions that programs see.

use crate::vm::LuaError;
use crate::vm::channel::{Case, Chan, Ended, Received, Sent};
use crate::vm::error_object::ErrorObject;
use crate::vm::managed::Wait;
use crate::vm::native::quick::WAITED;
use crate::vm::native::{Args, Cx, Kind, Name, Native, Step, Tab, Val, native_flag};

type R = Result<Step, LuaError>;

static FUNCTIONS: [Native; 2] =
    [Native::with("new", new, native_flag::RETRY), Native::with("select", select, native_flag::RETRY)];

static METHODS: [Native; 4] = [
    Native::with("case_receive", case_receive, native_flag::RETRY),
    Native::with("case_send", case_send, native_flag::RETRY),
    Native::with("close", close, native_flag::RETRY),
    Native::with("send", send, native_flag::RETRY).quick(quick_send),
];

/// `ch:receive()`, which natives may call, too, to wait for a channel.
pub static RECEIVE: Native =
    Native::with("receive", receive, native_flag::RETRY | native_flag::AND_TRUE).quick(quick_receive);

static REFUSE: Native = Native::new("newindex", refuse);

static CHANNEL: Name = Name::new("channel");
static VALUE: Name = Name::new("value");
static OK: Name = Name::new("ok");
static DEFAULT: Name = Name::new("default");

const CLOSED: &str = "send on closed channel";

/// The library table.
///
/// # Errors
/// Memory.
pub fn open<'gc>(cx: &mut Cx<'gc>) -> Result<Tab<'gc>, LuaError> {
    cx.vm_mut().set_channel_meta(metatable);
    let lib = cx.table(0, FUNCTIONS.len())?;
    for native in &FUNCTIONS {
        lib.set_name(cx, native.name, Val::native(native))?;
    }
    cx.read_only(lib)
}

/// Metatable of channels, made with the first one.
fn metatable<'gc>(cx: &mut Cx<'gc>) -> Result<Tab<'gc>, LuaError> {
    let methods = cx.table(0, METHODS.len() + 1)?;
    for native in METHODS.iter().chain([&RECEIVE]) {
        methods.set_name(cx, native.name, Val::native(native))?;
    }
    let meta = cx.table(0, 4)?;
    meta.set_name(cx, "__index", methods.into())?;
    meta.set_name(cx, "__newindex", Val::native(&REFUSE))?;
    let name = cx.name("channel");
    meta.set_name(cx, "__name", name)?;
    meta.set_name(cx, "__metatable", Val::FALSE)?;
    Ok(meta)
}

fn refuse(_: &mut Cx<'_>) -> R {
    Err(LuaError::message("attempt to set a field of a channel"))
}

fn new(cx: &mut Cx<'_>) -> R {
    let capacity = match cx.arg(0).kind() {
        Kind::Nil => 0,
        Kind::Int(n) => usize::try_from(n.max(0)).unwrap_or(usize::MAX),
        // Truncated; not a number counts as 0.
        Kind::Float(x) => x.max(0.0) as usize,
        _ => return Err(cx.type_error(0, "number")),
    };
    let channel = cx.new_channel(capacity)?;
    cx.ret(channel)
}

/// The second entry is for a channel that was closed meanwhile.
fn send(cx: &mut Cx<'_>) -> R {
    if cx.state() != 0 {
        return cx.ret_error(ErrorObject::new(CLOSED));
    }
    let channel = cx.check_channel(0)?;
    match channel.try_send(cx, cx.arg(1))? {
        Sent::Done => cx.ret(true),
        Sent::Closed => Err(LuaError::message(CLOSED)),
        Sent::Full => {
            // The value waits in slot 1.
            cx.set_top(2);
            cx.set_state(WAITED);
            channel.block(cx, true)?;
            Ok(Step::Block)
        }
    }
}

fn quick_send(args: Args<'_>) -> Val<'_> {
    args.get(0).as_channel().map_or(Val::DECLINED, |channel| args.send(channel))
}

fn receive(cx: &mut Cx<'_>) -> R {
    let channel = cx.check_channel(0)?;
    match channel.try_receive(cx)? {
        Received::Value(v) => {
            cx.push(v);
            cx.push(Val::TRUE);
        }
        Received::Closed => {
            cx.push(Val::NIL);
            cx.push(Val::FALSE);
        }
        Received::Empty => {
            channel.block(cx, false)?;
            return Ok(Step::Block);
        }
    }
    Ok(Step::Return(2))
}

fn quick_receive(args: Args<'_>) -> Val<'_> {
    args.get(0).as_channel().map_or(Val::DECLINED, |channel| args.receive(channel))
}

fn close(cx: &mut Cx<'_>) -> R {
    let channel = cx.check_channel(0)?;
    Ok(if channel.close(cx)? { Step::GiveWay(0) } else { Step::Return(0) })
}

fn case_receive(cx: &mut Cx<'_>) -> R {
    let channel = cx.check_channel(0)?;
    let case = cx.new_case(Case { channel, value: Val::NIL, sends: false })?;
    cx.ret(case)
}

fn case_send(cx: &mut Cx<'_>) -> R {
    let channel = cx.check_channel(0)?;
    let case = cx.new_case(Case { channel, value: cx.arg(1), sends: true })?;
    cx.ret(case)
}

/// Slots of the window of a select that waits: the cases, the default, the result, then channel and value of each case.
mod slot {
    pub const RESULT: usize = 2;
    pub const PAIRS: usize = 3;
}

/// The first case in the order of the array that can go on does; else the default, or all are waited for.
fn select(cx: &mut Cx<'_>) -> R {
    if cx.state() != 0 {
        return select_ended(cx);
    }
    let cases = cx.check_table(0)?;
    let default = [cx.arg(1), cases.get(DEFAULT.get())].iter().any(|v| matches!(v.kind(), Kind::Bool(true)));
    // Made first: a value must not be taken and then lost for want of memory.
    let result = cx.table(0, 4)?;
    let n = usize::try_from(cases.raw_len()).unwrap_or(0);
    cx.charge(n / 8);
    for i in 1..=n {
        let Some(case) = cases.get_int(i as i64).as_case() else { continue };
        let (value, ok) = if case.sends {
            match case.channel.try_send(cx, case.value)? {
                Sent::Done => (case.value, true),
                Sent::Full | Sent::Closed => continue,
            }
        } else {
            match case.channel.try_receive(cx)? {
                Received::Value(v) => (v, true),
                Received::Closed => (Val::NIL, false),
                Received::Empty => continue,
            }
        };
        return select_result(cx, result, case.channel, value, ok);
    }
    if default {
        result.set(cx, OK.get(), Val::TRUE)?;
        result.set(cx, DEFAULT.get(), Val::TRUE)?;
        return cx.ret(result);
    }
    select_waits(cx, cases, result, n)
}

fn select_waits<'gc>(cx: &mut Cx<'gc>, cases: Tab<'gc>, result: Tab<'gc>, n: usize) -> R {
    // Pairs, and the values that end the wait.
    cx.reserve(2 * n + 20)?;
    cx.set_top(slot::RESULT);
    cx.push(result.into());
    let mut open = false;
    let cases: Vec<Case<'gc>> = (1..=n).filter_map(|i| cases.get_int(i as i64).as_case()).collect();
    for case in &cases {
        cx.push(case.channel.into());
        cx.push(case.value);
        open |= !case.channel.is_closed();
    }
    let ticket = cx.block(if open {
        &Wait::Channel("select on channels")
    } else {
        &Wait::Nothing("select without a case that can go on")
    })?;
    for (i, case) in cases.iter().enumerate().filter(|(_, case)| !case.channel.is_closed()) {
        let at = slot::PAIRS + 2 * i + 1;
        case.channel.wait(cx, ticket, at as u32, case.sends)?;
    }
    cx.set_state(1);
    Ok(Step::Block)
}

/// Entered again with the slot of the case that ended the wait, the value, and how.
fn select_ended(cx: &mut Cx<'_>) -> R {
    let end = Ended::from_value(cx.pop());
    let (value, at) = (cx.pop(), cx.pop());
    if end == Ended::Refused {
        return cx.ret_error(ErrorObject::new(CLOSED));
    }
    let at = at.to_int().and_then(|at| usize::try_from(at).ok()).unwrap_or(0);
    let (channel, result) = (cx.arg(at.saturating_sub(1)).as_channel(), cx.arg(slot::RESULT).as_table());
    let (Some(channel), Some(result)) = (channel, result) else {
        return Err(LuaError::message("a select was woken for none of its cases"));
    };
    select_result(cx, result, channel, value, end == Ended::Done)
}

fn select_result<'gc>(
    cx: &mut Cx<'gc>,
    result: Tab<'gc>,
    channel: Chan<'gc>,
    value: Val<'gc>,
    ok: bool,
) -> R {
    // There is room for these in the table.
    result.set(cx, CHANNEL.get(), channel.into())?;
    result.set(cx, VALUE.get(), value)?;
    result.set(cx, OK.get(), Val::bool(ok))?;
    cx.ret(result)
}
