//! Tracebacks in the layout of Lua 5.3 (`luaL_traceback`).
#![allow(unsafe_op_in_unsafe_fn)]

use super::Vm;
use super::debug::FunctionInfo;
use crate::heap::{Thread, Value};

/// Levels shown at the start and at the end of a long traceback.
const FIRST: usize = 10;
const LAST: usize = 11;

impl Vm {
    /// "stack traceback:" and one line for each level from `level` on.
    pub(crate) unsafe fn traceback(&self, th: *mut Thread, level: usize) -> Vec<u8> {
        let depth = Self::levels(th);
        let mut out = b"stack traceback:".to_vec();
        // The reference's stand-alone program has one level more: the C function that called the main chunk.
        let levels = depth + usize::from(th == self.main);
        let skip = if levels.saturating_sub(level) > FIRST + LAST + 1 { Some(level + FIRST) } else { None };
        let mut at = level;
        while let Some(frame) = Self::frame_at(th, at) {
            if skip == Some(at) {
                out.extend_from_slice(b"\n\t...");
                at = levels - LAST;
                continue;
            }
            let (info, f) = self.describe_frame(th, frame);
            out.extend_from_slice(b"\n\t");
            out.extend_from_slice(&info.short_source);
            out.push(b':');
            if info.current_line > 0 {
                out.extend_from_slice(format!("{}:", info.current_line).as_bytes());
            }
            out.extend_from_slice(b" in ");
            self.function_name(&mut out, &info, f);
            if info.is_tail_call {
                out.extend_from_slice(b"\n\t(...tail calls...)");
            }
            at += 1;
        }
        if th == self.main && level <= depth {
            out.extend_from_slice(b"\n\t[C]: in ?");
        }
        out
    }

    unsafe fn function_name(&self, out: &mut Vec<u8>, info: &FunctionInfo, f: Value) {
        if let Some(name) = self.global_function_name(f) {
            out.extend_from_slice(b"function '");
            out.extend_from_slice(&name);
            out.push(b'\'');
        } else if let Some(name) = &info.name {
            out.extend_from_slice(info.name_what.as_bytes());
            out.extend_from_slice(b" '");
            out.extend_from_slice(name);
            out.push(b'\'');
        } else if info.what == "main" {
            out.extend_from_slice(b"main chunk");
        } else if info.what == "C" {
            out.push(b'?');
        } else {
            out.extend_from_slice(b"function <");
            out.extend_from_slice(&info.short_source);
            out.extend_from_slice(format!(":{}>", info.line_defined).as_bytes());
        }
    }
}
