//! `errors`: making, wrapping and asking error objects (`spec/errors.md`).
//!
//! The object itself is plain data in `vm/error_object`; here are the functions that programs see. Details are copied when
//! an error is made and again whenever a program asks for them, so neither side sees changes of the other.

use crate::limits::{MAX_DETAIL_DEPTH, MAX_DETAIL_VALUES};
use crate::vm::LuaError;
use crate::vm::debug::short_source;
use crate::vm::error_object::{Detail, Details, ErrorFrame, ErrorObject, ErrorStack, Layer, kind};
use crate::vm::native::{Cx, Kind, Native, Step, Tab, Val, native_flag};
use std::sync::Arc;

type R = Result<Step, LuaError>;

static FUNCTIONS: [Native; 4] = [
    Native::new("call_stack", call_stack),
    Native::new("is", is),
    Native::with("new", new, native_flag::YIELDABLE),
    Native::new("wrap", wrap),
];

static METHODS: [Native; 5] = [
    Native::new("details", details),
    Native::new("kind", error_kind),
    Native::new("message", message),
    Native::new("retryable", retryable),
    Native::new("stack", stack),
];

static TO_STRING: Native = Native::new("tostring", message);
static CONCAT: Native = Native::with("concat", concat, native_flag::YIELDABLE);
static REFUSE: Native = Native::new("newindex", refuse);

const KINDS: [(&str, &str); 11] = [
    ("NOT_FOUND", kind::NOT_FOUND),
    ("ALREADY_EXISTS", kind::ALREADY_EXISTS),
    ("INVALID", kind::INVALID),
    ("PERMISSION_DENIED", kind::PERMISSION_DENIED),
    ("UNAVAILABLE", kind::UNAVAILABLE),
    ("INTERNAL", kind::INTERNAL),
    ("CANCELED", kind::CANCELED),
    ("CONFLICT", kind::CONFLICT),
    ("TIMEOUT", kind::TIMEOUT),
    ("RATE_LIMITED", kind::RATE_LIMITED),
    ("UNKNOWN", kind::UNKNOWN),
];

/// The library table. Error objects of this process have their methods from now on.
///
/// # Errors
/// Memory.
pub fn open<'gc>(cx: &mut Cx<'gc>) -> Result<Tab<'gc>, LuaError> {
    cx.vm_mut().set_error_meta(metatable);
    let lib = cx.table(0, FUNCTIONS.len() + KINDS.len())?;
    for native in &FUNCTIONS {
        lib.set_name(cx, native.name, Val::native(native))?;
    }
    for (name, kind) in KINDS {
        let kind = cx.name(kind);
        lib.set_name(cx, name, kind)?;
    }
    cx.read_only(lib)
}

/// Metatable of error objects.
fn metatable<'gc>(cx: &mut Cx<'gc>) -> Result<Tab<'gc>, LuaError> {
    let methods = cx.table(0, METHODS.len())?;
    for native in &METHODS {
        methods.set_name(cx, native.name, Val::native(native))?;
    }
    let meta = cx.table(0, 6)?;
    meta.set_name(cx, "__index", methods.into())?;
    meta.set_name(cx, "__newindex", Val::native(&REFUSE))?;
    meta.set_name(cx, "__tostring", Val::native(&TO_STRING))?;
    meta.set_name(cx, "__concat", Val::native(&CONCAT))?;
    let name = cx.name("error");
    meta.set_name(cx, "__name", name)?;
    meta.set_name(cx, "__metatable", Val::FALSE)?;
    Ok(meta)
}

fn check_error(cx: &Cx<'_>) -> Result<Arc<ErrorObject>, LuaError> {
    cx.arg(0).as_error().ok_or_else(|| cx.type_error(0, "error"))
}

/// Text of a string or error object; a number is neither.
fn text_of(v: Val<'_>) -> Option<Vec<u8>> {
    match v.as_str() {
        Some(s) => Some(s.bytes().to_vec()),
        None => v.as_error().map(|e| e.message().to_vec()),
    }
}

// ---- functions ----

/// Slots of `new`'s window while it asks `__tostring` handlers: the values that have one, and the texts found so far.
const ASKED: usize = 1;
const TEXTS: usize = 2;

/// State n: the handler of value n has been called.
fn new(cx: &mut Cx<'_>) -> R {
    let t = match cx.arg(0).kind() {
        Kind::Table(t) => t,
        _ => {
            let Some(message) = text_of(cx.arg(0)) else {
                return Err(LuaError::argument(1, "expected string or table"));
            };
            let error = cx.new_error(ErrorObject::new(message))?;
            return cx.ret(error);
        }
    };
    let message = t.get_name("message");
    if message.is_nil() {
        return Err(LuaError::argument(1, "message field is required"));
    }
    let Some(message) = text_of(message) else {
        return Err(LuaError::argument(1, "message must be a string"));
    };
    let given = t.get_name("details").as_table();
    let mut texts = None;
    let at = cx.state() as i64;
    if at > 0 {
        let text = cx.pop();
        let text = super::must_be_string(cx, text)?;
        let (Some(asked), Some(known)) = (cx.arg(ASKED).as_table(), cx.arg(TEXTS).as_table()) else {
            return Err(LuaError::message("the window holds two tables"));
        };
        known.set(cx, asked.get_int(at), text)?;
        if let Some(step) = ask(cx, asked, at + 1)? {
            return Ok(step);
        }
        texts = Some(known);
    }
    let mut error = ErrorObject::new(message);
    if let Some(given) = given {
        let mut copier = Copier { texts, asked: Vec::new(), values: 0 };
        let details = copier.map(cx, given, 0)?;
        if !copier.asked.is_empty() {
            return ask_all(cx, &copier.asked);
        }
        cx.charge(copier.values / 8);
        error = error.with_details(details);
    }
    if let Some(kind) = t.get_name("kind").as_str() {
        error = error.with_any_kind(kind.bytes());
    }
    error = match t.get_name("retryable").kind() {
        Kind::Bool(b) => error.with_retryable(Some(b)),
        _ => error,
    };
    let error = cx.new_error(error)?;
    cx.ret(error)
}

/// Starts asking `__tostring` handlers.
fn ask_all<'gc>(cx: &mut Cx<'gc>, values: &[Val<'gc>]) -> R {
    let asked = cx.table(values.len(), 0)?;
    for (i, &v) in values.iter().enumerate() {
        asked.set_int(cx, i as i64 + 1, v)?;
    }
    let texts = cx.table(0, values.len())?;
    cx.set_top(1);
    cx.push(asked.into());
    cx.push(texts.into());
    match ask(cx, asked, 1)? {
        Some(step) => Ok(step),
        None => Err(LuaError::message("there is a value to ask")),
    }
}

/// Calls the handler of value `at`, if there is one.
fn ask<'gc>(cx: &mut Cx<'gc>, asked: Tab<'gc>, at: i64) -> Result<Option<Step>, LuaError> {
    let v = asked.get_int(at);
    if v.is_nil() {
        return Ok(None);
    }
    cx.set_state(at as u64);
    let handler = cx.metafield(v, crate::vm::meta::Event::ToString);
    cx.call(&[handler, v], 1).map(Some)
}

/// Copies the details of an error out of a table.
struct Copier<'gc> {
    /// What handlers have said about values, once they were asked.
    texts: Option<Tab<'gc>>,
    /// Values whose handler must be asked first.
    asked: Vec<Val<'gc>>,
    values: usize,
}

impl<'gc> Copier<'gc> {
    fn count(&mut self, cx: &mut Cx<'gc>, depth: usize) -> Result<(), LuaError> {
        self.values += 1;
        if depth > MAX_DETAIL_DEPTH {
            return Err(LuaError::argument(1, "details are nested too deeply"));
        }
        if self.values > MAX_DETAIL_VALUES {
            return Err(LuaError::argument(1, "details are too large"));
        }
        if self.values.is_multiple_of(1024) {
            cx.reserve_memory(self.values * size_of::<Detail>())?;
        }
        Ok(())
    }

    fn map(&mut self, cx: &mut Cx<'gc>, t: Tab<'gc>, depth: usize) -> Result<Details, LuaError> {
        let mut out = Vec::new();
        let mut key = Val::NIL;
        while let Ok(Some((k, v))) = t.next(key) {
            key = k;
            if let Some(name) = k.as_str() {
                out.push((name.bytes().into(), self.value(cx, v, depth)?));
            } else {
                self.count(cx, depth)?;
            }
        }
        Ok(out.into())
    }

    /// The items if the keys are exactly `1..n`.
    fn list(
        &mut self,
        cx: &mut Cx<'gc>,
        t: Tab<'gc>,
        depth: usize,
    ) -> Result<Option<Box<[Detail]>>, LuaError> {
        let n = t.raw_len();
        let mut keys = 0;
        let mut key = Val::NIL;
        while let Ok(Some((k, _))) = t.next(key) {
            key = k;
            keys += 1;
            if !(k.is_int() && keys <= n) {
                return Ok(None);
            }
        }
        if n == 0 || keys != n {
            return Ok(None);
        }
        let items: Result<_, LuaError> = (1..=n).map(|i| self.value(cx, t.get_int(i), depth)).collect();
        items.map(Some)
    }

    fn value(&mut self, cx: &mut Cx<'gc>, v: Val<'gc>, depth: usize) -> Result<Detail, LuaError> {
        self.count(cx, depth)?;
        Ok(match v.kind() {
            Kind::Nil => Detail::Bool(false),
            Kind::Bool(b) => Detail::Bool(b),
            Kind::Int(n) => Detail::Int(n),
            Kind::Float(x) => Detail::Float(x),
            Kind::Str(s) => {
                cx.reserve_memory(s.len())?;
                Detail::Str(s.bytes().into())
            }
            Kind::Table(t) => match self.list(cx, t, depth + 1)? {
                Some(items) => Detail::List(items),
                None => Detail::Map(self.map(cx, t, depth + 1)?),
            },
            Kind::Function | Kind::Userdata(_) | Kind::Thread(_) | Kind::Light(_) => {
                Detail::Str(self.display(cx, v)?)
            }
        })
    }

    fn display(&mut self, cx: &mut Cx<'gc>, v: Val<'gc>) -> Result<Box<[u8]>, LuaError> {
        if let Some(error) = v.as_error() {
            return Ok(error.message().into());
        }
        let shown = match self.texts.map(|texts| texts.get(v)) {
            Some(text) if !text.is_nil() => text,
            _ => match cx.to_display(v)? {
                Ok(text) => text,
                // It was not there when the others were asked.
                Err(_) if self.texts.is_some() => cx.plain_string(v)?,
                Err(_) => {
                    self.asked.push(v);
                    Val::NIL
                }
            },
        };
        Ok(shown.as_str().map_or_else(Box::default, |s| s.bytes().into()))
    }
}

fn wrap(cx: &mut Cx<'_>) -> R {
    let wrong = |i: usize| LuaError::argument(i + 1, "expected string or error object");
    let inner = match cx.arg(0).as_error() {
        Some(inner) => inner,
        None => Arc::new(ErrorObject::new(text_of(cx.arg(0)).ok_or_else(|| wrong(0))?)),
    };
    let context = text_of(cx.arg(1)).ok_or_else(|| wrong(1))?;
    cx.reserve_memory(inner.message().len())?;
    let error = cx.new_error(inner.wrap(&context))?;
    cx.ret(error)
}

fn is(cx: &mut Cx<'_>) -> R {
    let v = cx.check_any(0)?;
    let Some(kind) = cx.arg(1).as_str() else { return Err(cx.type_error(1, "string")) };
    cx.ret(v.as_error().is_some_and(|e| e.kind() == kind.bytes()))
}

fn call_stack(cx: &mut Cx<'_>) -> R {
    let error = cx.arg(0).as_error();
    let Some(layer) = error.as_ref().and_then(|e| e.layer()) else { return cx.ret(Val::NIL) };
    let frames = cx.table(layer.stack.frames.len(), 0)?;
    for (level, frame) in layer.stack.frames.iter().enumerate() {
        let t = cx.table(0, 5)?;
        let source = cx.string(&source_of(frame))?;
        let name = cx.string(&frame.name)?;
        let what = cx.name(match (&frame.source, frame.is_main_chunk) {
            (None, _) => "C",
            (Some(_), true) => "main",
            (Some(_), false) => "Lua",
        });
        t.set_name(cx, "level", Val::int(level as i64))?;
        t.set_name(cx, "source", source)?;
        t.set_name(cx, "line", Val::int(frame.line))?;
        t.set_name(cx, "name", name)?;
        t.set_name(cx, "type", what)?;
        frames.set_int(cx, level as i64 + 1, t.into())?;
    }
    let result = cx.table(0, 2)?;
    let thread = cx.string(thread_name(&layer.stack).as_bytes())?;
    result.set_name(cx, "thread", thread)?;
    result.set_name(cx, "frames", frames.into())?;
    cx.ret(result)
}

// ---- methods ----

fn message(cx: &mut Cx<'_>) -> R {
    let error = check_error(cx)?;
    cx.ret_str(error.message())
}

fn error_kind(cx: &mut Cx<'_>) -> R {
    let error = check_error(cx)?;
    cx.ret_str(error.kind())
}

fn retryable(cx: &mut Cx<'_>) -> R {
    let error = check_error(cx)?;
    cx.ret(error.retryable().map_or(Val::NIL, Val::bool))
}

fn details(cx: &mut Cx<'_>) -> R {
    let error = check_error(cx)?;
    match error.details() {
        Some(details) => {
            let t = map_table(cx, details)?;
            cx.ret(t)
        }
        None => cx.ret(Val::NIL),
    }
}

fn map_table<'gc>(cx: &mut Cx<'gc>, details: &Details) -> Result<Tab<'gc>, LuaError> {
    let t = cx.table(0, details.len())?;
    for (key, detail) in details {
        let key = cx.string(key)?;
        let v = detail_value(cx, detail)?;
        t.set(cx, key, v)?;
    }
    cx.charge(details.len() / 8);
    Ok(t)
}

/// A detail as a Lua value. `Copier` bounds the depth.
fn detail_value<'gc>(cx: &mut Cx<'gc>, detail: &Detail) -> Result<Val<'gc>, LuaError> {
    Ok(match detail {
        Detail::Bool(b) => Val::bool(*b),
        Detail::Int(n) => Val::int(*n),
        Detail::Float(x) => Val::float(*x),
        Detail::Str(text) => cx.string(text)?,
        Detail::List(items) => {
            let t = cx.table(items.len(), 0)?;
            for (i, item) in items.iter().enumerate() {
                let v = detail_value(cx, item)?;
                t.set_int(cx, i as i64 + 1, v)?;
            }
            t.into()
        }
        Detail::Map(details) => map_table(cx, details)?.into(),
    })
}

fn stack(cx: &mut Cx<'_>) -> R {
    let error = check_error(cx)?;
    let mut out = Vec::new();
    for layer in std::iter::successors(error.layer(), |layer| layer.inner()) {
        write_layer(&mut out, layer);
        cx.reserve_memory(out.len())?;
    }
    out.pop();
    cx.charge(out.len() / 64);
    cx.ret_str(&out)
}

fn write_layer(out: &mut Vec<u8>, layer: &Layer) {
    if let Some(context) = &layer.context {
        out.extend(context.iter().map(|&b| if b == b'\n' { b' ' } else { b }));
        out.push(b'\n');
    }
    for frame in &layer.stack.frames {
        out.extend_from_slice(b"  ");
        out.extend_from_slice(&source_of(frame));
        out.extend_from_slice(format!(":{} (", frame.line).as_bytes());
        out.extend_from_slice(match (frame.is_main_chunk, &frame.name[..]) {
            (true, _) => b"main chunk",
            (false, b"") => b"?",
            (false, name) => name,
        });
        out.extend_from_slice(b")\n");
    }
}

fn source_of(frame: &ErrorFrame) -> Vec<u8> {
    frame.source.as_ref().map_or_else(|| b"[C]".to_vec(), |source| short_source(source))
}

fn thread_name(stack: &ErrorStack) -> String {
    match stack.coroutine {
        0 => "main".to_owned(),
        address => format!("thread: {address:#x}"),
    }
}

// ---- metamethods ----

/// `a .. b`, one of them an error object. State n: slot n - 1 waits for what its `__tostring` returns.
fn concat(cx: &mut Cx<'_>) -> R {
    if cx.state() > 0 {
        let text = cx.pop();
        let text = super::must_be_string(cx, text)?;
        cx.set(cx.state() as usize - 1, text);
    }
    cx.set_top(2);
    for i in 0..2 {
        let v = cx.arg(i);
        let text = match cx.text_of(v)? {
            Some(text) => text.into(),
            None => match cx.to_display(v)? {
                Ok(text) => text,
                Err(handler) => {
                    cx.set_state(i as u64 + 1);
                    return cx.call(&[handler, v], 1);
                }
            },
        };
        cx.set(i, text);
    }
    let (a, b) = (cx.check_str(0)?.bytes(), cx.check_str(1)?.bytes());
    cx.charge((a.len() + b.len()) / 64);
    let joined = cx.string_with(a.len() + b.len(), |out| {
        out[..a.len()].copy_from_slice(a);
        out[a.len()..].copy_from_slice(b);
    })?;
    cx.ret(joined)
}

fn refuse(_: &mut Cx<'_>) -> R {
    Err(LuaError::message("attempt to modify an error object"))
}
