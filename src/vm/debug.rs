//! Looking at the call stack: what `debug.getinfo`, positions in messages and tracebacks need.
#![allow(unsafe_op_in_unsafe_fn)]

use super::error::{Place, Raised};
use super::names::Named;
use super::native::{Co, Cx, Native, Step, Val};
use super::{LuaError, Vm};
use crate::heap::thread::{Hook, frame_flag};
use crate::heap::value::{get, put, tag};
use crate::heap::{Closure, Code, Frame, FrameKind, NativeClosure, Thread, Value};

/// A function on the stack, or off it, as `debug.getinfo` describes it.
#[derive(Clone, Debug, Default)]
pub struct FunctionInfo {
    pub source: Vec<u8>,
    pub short_source: Vec<u8>,
    /// "Lua", "C" or "main".
    pub what: &'static str,
    /// -1 if unknown.
    pub current_line: i64,
    pub line_defined: i64,
    pub last_line_defined: i64,
    pub name: Option<Vec<u8>>,
    pub name_what: &'static str,
    pub upvalues: usize,
    pub params: usize,
    pub is_vararg: bool,
    pub is_tail_call: bool,
}

/// A chunk name as messages show it (`luaO_chunkid` in 5.3).
#[must_use]
pub fn short_source(source: &[u8]) -> Vec<u8> {
    /// Characters of a shown name, the terminating NUL of the C version included.
    const ROOM: usize = 60;
    match source.first() {
        Some(b'=') => source[1..].iter().copied().take(ROOM - 1).collect(),
        Some(b'@') => {
            let name = &source[1..];
            if name.len() < ROOM {
                name.to_vec()
            } else {
                let tail = &name[name.len() - (ROOM - 1 - 3)..];
                [b"...", tail].concat()
            }
        }
        _ => {
            let first = source.split(|&b| b == b'\n').next().unwrap_or_default();
            let one_line = first.len() == source.len();
            // `[string "` + `..."]` and the NUL.
            let room = ROOM - 9 - 5 - 1;
            let mut out = b"[string \"".to_vec();
            if one_line && source.len() < ROOM - 9 - 5 {
                out.extend_from_slice(source);
            } else {
                out.extend_from_slice(&first[..first.len().min(room)]);
                out.extend_from_slice(b"...");
            }
            out.extend_from_slice(b"\"]");
            out
        }
    }
}

impl Vm {
    /// True for a frame that Lua code must not see: it stands below a message handler (see `unwind::HANDLER`).
    pub(super) unsafe fn is_hidden(frame: *const Frame) -> bool {
        (*frame).kind == FrameKind::Native
            && std::ptr::eq(Self::frame_native(frame), &raw const super::unwind::HANDLER)
    }

    /// Number of levels of a coroutine.
    pub(super) unsafe fn levels(th: *mut Thread) -> usize {
        let depth = Thread::depth(th);
        depth - (0..depth).filter(|&i| Self::is_hidden((*th).frame.sub(i))).count()
    }

    /// The frame at a level of a coroutine: 0 is the running function.
    pub(super) unsafe fn frame_at(th: *mut Thread, level: usize) -> Option<*mut Frame> {
        let mut frame = (*th).frame;
        let mut left = level;
        while frame > (*th).frames {
            if !Self::is_hidden(frame) {
                if left == 0 {
                    return Some(frame);
                }
                left -= 1;
            }
            frame = frame.sub(1);
        }
        None
    }

    /// Line that a Lua frame executes.
    pub(super) unsafe fn frame_line(frame: *const Frame) -> Option<u32> {
        if (*frame).kind != FrameKind::Lua {
            return None;
        }
        let code = (*Self::frame_closure(frame)).code;
        (*code).line(Self::current_pc(frame))
    }

    /// `chunk:line: ` for the function at a level above the one that fails: level 1 is the Lua function that runs, or the
    /// caller of the native function that runs.
    pub(crate) fn position(&self, level: u32) -> Vec<u8> {
        // SAFETY: frames of the running coroutine are live.
        unsafe {
            let th = self.th;
            let on_native = (*(*th).frame).kind == FrameKind::Native;
            let level = level as usize - usize::from(!on_native && level > 0);
            let Some(frame) = Self::frame_at(th, level) else { return Vec::new() };
            if (*frame).kind != FrameKind::Lua {
                return Vec::new();
            }
            let code = &*(*Self::frame_closure(frame)).code;
            // As `luaL_where`: without line information no position at all.
            let Some(line) = Self::frame_line(frame) else { return Vec::new() };
            let mut out = short_source(&code.source);
            out.extend_from_slice(format!(":{line}: ").as_bytes());
            out
        }
    }

    /// Position for an error of the interpreter itself (`luaG_runerror`): that of the running Lua function.
    pub(super) fn runtime_position(&self) -> Vec<u8> {
        // SAFETY: frames of the running coroutine are live.
        unsafe {
            let frame = (*self.th).frame;
            if (*frame).kind != FrameKind::Lua {
                return Vec::new();
            }
            let code = &*(*Self::frame_closure(frame)).code;
            let line = Self::frame_line(frame).map_or(-1, i64::from);
            let mut out = short_source(&code.source);
            out.extend_from_slice(format!(":{line}: ").as_bytes());
            out
        }
    }

    /// True for errors that belong to a place in the program.
    pub(super) const fn has_place(raised: &Raised) -> bool {
        matches!(
            raised,
            Raised::Message { .. } | Raised::Runtime(_) | Raised::Argument { .. } | Raised::Value(_)
        )
    }

    /// Where the running function is, for the excerpt of an uncaught error.
    pub(super) unsafe fn error_place(&self) -> Option<Place> {
        let th = self.th;
        let mut frame = (*th).frame;
        if (*frame).kind == FrameKind::Native {
            if frame <= (*th).frames {
                return None;
            }
            frame = frame.sub(1);
        }
        if (*frame).kind != FrameKind::Lua {
            return None;
        }
        let code = &*(*Self::frame_closure(frame)).code;
        let pc = Self::current_pc(frame);
        let origin = code.origins.get(pc)?;
        Some(Place { source: code.source.clone(), line: origin.line, span: origin.span })
    }

    unsafe fn describe_function(&self, f: Value) -> FunctionInfo {
        if f.tag == tag::CLOSURE {
            let code: &Code = &*(*f.as_closure()).code;
            let source: &[u8] = &code.source;
            return FunctionInfo {
                source: source.to_vec(),
                short_source: short_source(source),
                what: if code.line_defined == 0 { "main" } else { "Lua" },
                current_line: -1,
                line_defined: i64::from(code.line_defined),
                last_line_defined: i64::from(code.last_line_defined),
                upvalues: code.upvals.len(),
                params: usize::from(code.num_params),
                is_vararg: code.is_vararg,
                ..FunctionInfo::default()
            };
        }
        FunctionInfo {
            source: b"=[C]".to_vec(),
            short_source: b"[C]".to_vec(),
            what: "C",
            current_line: -1,
            line_defined: -1,
            last_line_defined: -1,
            upvalues: if f.tag == tag::NATIVE_CLOSURE { (*f.as_native_closure()).len } else { 0 },
            is_vararg: true,
            ..FunctionInfo::default()
        }
    }

    pub(super) unsafe fn describe_frame(
        &self,
        th: *mut Thread,
        frame: *const Frame,
    ) -> (FunctionInfo, Value) {
        let f = get((*frame).func());
        let mut info = self.describe_function(f);
        if let Some(line) = Self::frame_line(frame) {
            info.current_line = i64::from(line);
        }
        info.is_tail_call = (*frame).flags & frame_flag::TAIL != 0;
        if let Some((what, name)) = self.called_name(th, frame) {
            let named: Named = (what, name);
            info.name_what = named.0;
            info.name = Some(named.1);
        }
        (info, f)
    }

    /// Name and slot of local variable `n` of a frame: a named one, a vararg (negative `n`) or a temporary.
    unsafe fn frame_local(
        &self,
        th: *mut Thread,
        frame: *mut Frame,
        n: i64,
    ) -> Option<(Vec<u8>, *mut Value)> {
        let limit = if frame == (*th).frame {
            match (*frame).kind {
                FrameKind::Lua if th == self.th => self.free_top(),
                FrameKind::Lua => {
                    let code = (*Self::frame_closure(frame)).code;
                    (*frame).base.add((*code).max_stack as usize)
                }
                FrameKind::Native => (*th).top,
            }
        } else {
            (*frame.add(1)).func()
        };
        let base = (*frame).base;
        if (*frame).kind == FrameKind::Lua {
            let code = (*Self::frame_closure(frame)).code;
            if n < 0 {
                let params = (*code).num_params as usize;
                let have = (*frame).varargs(params) as i64;
                let index = n.checked_neg()?;
                if index > have {
                    return None;
                }
                return Some((b"(*vararg)".to_vec(), base.sub(1 + have as usize).add(index as usize - 1)));
            }
            let reg = usize::try_from(n.checked_sub(1)?).ok()?;
            if let Some(local) = (*code).local(reg, Self::current_pc(frame)) {
                return Some((local.name.to_vec(), base.add(reg)));
            }
        }
        if n > 0 && limit.offset_from(base) as i64 >= n {
            return Some((b"(*temporary)".to_vec(), base.add(n as usize - 1)));
        }
        None
    }
}

/// The function of the program itself that has called the main chunk, as debuggers written for the reference expect it.
static PROGRAM: Native = Native::new("?", |_| Ok(Step::Return(0)));

impl<'gc> Cx<'gc> {
    /// Number of functions on a coroutine's stack.
    #[must_use]
    pub fn depth(&self, co: Co<'gc>) -> usize {
        // SAFETY: live during 'gc.
        unsafe { Vm::levels(co.raw()) }
    }

    /// The function at a level of a coroutine (0 is the one on top) and what is known about it.
    #[must_use]
    pub fn frame_info(&self, co: Co<'gc>, level: usize) -> Option<(FunctionInfo, Val<'gc>)> {
        // SAFETY: live during 'gc.
        unsafe {
            let Some(frame) = Vm::frame_at(co.raw(), level) else {
                let below = co.raw() == self.vm().main && level == Vm::levels(co.raw());
                let program = Val::native(&PROGRAM);
                return below.then(|| (self.function_info(program), program));
            };
            let (info, f) = self.vm().describe_frame(co.raw(), frame);
            Some((info, Val::raw_new(f)))
        }
    }

    /// What is known about a function that need not run.
    #[must_use]
    pub fn function_info(&self, f: Val<'gc>) -> FunctionInfo {
        // SAFETY: live during 'gc.
        unsafe { self.vm().describe_function(f.raw()) }
    }

    /// Lines of a Lua function that have code.
    #[must_use]
    pub fn active_lines(&self, f: Val<'gc>) -> Option<Vec<u32>> {
        let f = f.raw();
        if f.tag != tag::CLOSURE {
            return None;
        }
        // SAFETY: live during 'gc.
        Some(unsafe { (*(*f.as_closure()).code).origins.iter().map(|origin| origin.line).collect() })
    }

    /// Local variable `n` at a level: name and value.
    #[must_use]
    pub fn local(&self, co: Co<'gc>, level: usize, n: i64) -> Option<(Vec<u8>, Val<'gc>)> {
        // SAFETY: live during 'gc.
        unsafe {
            let frame = Vm::frame_at(co.raw(), level)?;
            let (name, slot) = self.vm().frame_local(co.raw(), frame, n)?;
            Some((name, Val::raw_new(get(slot))))
        }
    }

    /// Sets local variable `n` at a level; its name.
    pub fn set_local(&mut self, co: Co<'gc>, level: usize, n: i64, v: Val<'gc>) -> Option<Vec<u8>> {
        // SAFETY: live during 'gc; the slot is a register or argument of a live frame.
        unsafe {
            let frame = Vm::frame_at(co.raw(), level)?;
            let (name, slot) = self.vm().frame_local(co.raw(), frame, n)?;
            put(slot, v.raw());
            Some(name)
        }
    }

    /// Name of parameter `n` of a function that need not run.
    #[must_use]
    pub fn parameter_name(&self, f: Val<'gc>, n: i64) -> Option<Vec<u8>> {
        let f = f.raw();
        if f.tag != tag::CLOSURE {
            return None;
        }
        let reg = usize::try_from(n.checked_sub(1)?).ok()?;
        // SAFETY: live during 'gc.
        unsafe { (*(*f.as_closure()).code).local(reg, 0).map(|l| l.name.to_vec()) }
    }

    /// Upvalue `n` (from 1) of a function: name (empty for native functions) and value.
    #[must_use]
    pub fn function_upvalue(&self, f: Val<'gc>, n: i64) -> Option<(Vec<u8>, Val<'gc>)> {
        let i = usize::try_from(n.checked_sub(1)?).ok()?;
        let f = f.raw();
        // SAFETY: live during 'gc; indices are checked.
        unsafe {
            match f.tag {
                tag::CLOSURE => {
                    let closure = f.as_closure();
                    let upvals = &(*(*closure).code).upvals;
                    let desc = upvals.get(i)?;
                    let name = if desc.name.is_empty() { b"(*no name)".to_vec() } else { desc.name.to_vec() };
                    Some((name, Val::raw_new(get((**Closure::upval(closure, i)).v))))
                }
                tag::NATIVE_CLOSURE if i < (*f.as_native_closure()).len => {
                    Some((Vec::new(), Val::raw_new(get(NativeClosure::upval(f.as_native_closure(), i)))))
                }
                _ => None,
            }
        }
    }

    /// Sets upvalue `n` of a function; its name.
    ///
    /// # Errors
    /// Memory.
    pub fn set_function_upvalue(
        &mut self,
        f: Val<'gc>,
        n: i64,
        v: Val<'gc>,
    ) -> Result<Option<Vec<u8>>, LuaError> {
        let Some((name, _)) = self.function_upvalue(f, n) else { return Ok(None) };
        let i = n as usize - 1;
        // SAFETY: `function_upvalue` found it.
        unsafe {
            if self.vm().is_shared(f.raw()) {
                self.vm_mut().own_environment(f.raw())?;
            }
            let f = self.vm().own(f.raw());
            let v = Val::raw_new(self.vm().own(v.raw()));
            if f.tag == tag::CLOSURE {
                put((**Closure::upval(f.as_closure(), i)).v, v.raw());
            } else {
                put(NativeClosure::upval(f.as_native_closure(), i), v.raw());
            }
        }
        Ok(Some(name))
    }

    /// Identity of an upvalue.
    #[must_use]
    pub fn upvalue_id(&self, f: Val<'gc>, n: i64) -> Option<usize> {
        self.function_upvalue(f, n)?;
        let i = n as usize - 1;
        let f = f.raw();
        // SAFETY: `function_upvalue` found it.
        unsafe {
            Some(if f.tag == tag::CLOSURE {
                *Closure::upval(f.as_closure(), i) as usize
            } else {
                NativeClosure::upval(f.as_native_closure(), i) as usize
            })
        }
    }

    /// Makes upvalue `n1` of Lua closure `f1` refer to upvalue `n2` of Lua closure `f2`; false if one is not there.
    pub fn join_upvalues(&mut self, f1: Val<'gc>, n1: i64, f2: Val<'gc>, n2: i64) -> bool {
        if !f1.is_lua_function()
            || !f2.is_lua_function()
            || self.function_upvalue(f1, n1).is_none()
            || self.function_upvalue(f2, n2).is_none()
        {
            return false;
        }
        // SAFETY: both were found.
        unsafe {
            *Closure::upval(f1.raw().as_closure(), n1 as usize - 1) =
                *Closure::upval(f2.raw().as_closure(), n2 as usize - 1);
        }
        true
    }

    /// A traceback of a coroutine from a level on, without a message.
    #[must_use]
    pub fn traceback(&self, co: Co<'gc>, level: usize) -> Vec<u8> {
        // SAFETY: live during 'gc.
        unsafe { self.vm().traceback(co.raw(), level) }
    }

    /// Sets or removes the hook of a coroutine. Mask bits: 1 call, 2 return, 4 line, 8 count.
    pub fn set_hook(&mut self, co: Co<'gc>, hook: Option<(Val<'gc>, u8, i32)>) {
        // SAFETY: live during 'gc.
        unsafe {
            (*co.raw()).hook = hook.map(|(f, mask, count)| {
                Box::new(Hook {
                    func: f.raw(),
                    mask,
                    count,
                    left: count,
                    counted: false,
                    last_pc: std::ptr::null(),
                })
            });
            self.vm_mut().refresh_hooks();
        }
    }

    /// The hook of a coroutine: function, mask, count.
    #[must_use]
    pub fn hook(&self, co: Co<'gc>) -> Option<(Val<'gc>, u8, i32)> {
        // SAFETY: live during 'gc.
        unsafe { (*co.raw()).hook.as_ref().map(|h| (Val::raw_new(h.func), h.mask, h.count)) }
    }
}
