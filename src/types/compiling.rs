//! Compiling a type for its first check: at once if that is little work, otherwise in turns, so that a slice stays bounded.

use super::program::Program;
use super::value::{STEPS, known_program};
use crate::bytecode::types::TypeRef;
use crate::limits::MAX_TYPE_COMPILED_AT_ONCE;
use crate::turns::Turns;
use crate::vm::LuaError;
use crate::vm::native::{Cx, Val};
use crate::vm::type_value::TypeHandle;
use std::any::Any;
use std::sync::Arc;

/// A type that is being compiled.
pub struct Compiling {
    /// Kept so that its address stays its own.
    ty: TypeRef,
    turns: Turns<Option<Program>>,
}

/// What there is of a type's program.
pub enum Lookup<'gc> {
    Known(&'gc Program),
    /// The value is no type.
    NoType,
    /// It will take more slices: what was begun is to be given again.
    Later,
}

/// The program of a type value, compiled when it is first needed. `begun` is what an earlier call has left.
///
/// # Errors
/// Memory.
#[inline]
pub fn program_of<'gc>(
    cx: &mut Cx<'gc>,
    ty: Val<'gc>,
    begun: &mut Option<Box<Compiling>>,
) -> Result<Lookup<'gc>, LuaError> {
    let Some(handle) = ty.as_type() else { return Ok(Lookup::NoType) };
    match known_program(handle) {
        Some(known) => Ok(Lookup::Known(known)),
        None => compile(cx, ty, handle, begun),
    }
}

/// Compiles a type, at this process's expense.
#[cold]
fn compile<'gc>(
    cx: &mut Cx<'gc>,
    ty: Val<'gc>,
    handle: &'gc TypeHandle,
    begun: &mut Option<Box<Compiling>>,
) -> Result<Lookup<'gc>, LuaError> {
    let whole = handle.ty();
    let mut compiling = match begun.take() {
        Some(compiling) if compiling.ty.is_same(whole) => compiling,
        _ => {
            if let Some(program) = Program::compile(whole, Some(MAX_TYPE_COMPILED_AT_ONCE)) {
                cx.charge(program.steps() / STEPS);
                return keep(cx, ty, handle, program);
            }
            cx.charge(MAX_TYPE_COMPILED_AT_ONCE / STEPS);
            let theirs = whole.clone();
            match Turns::start(move || Program::compile(&theirs, None)) {
                Some(turns) => Box::new(Compiling { ty: whole.clone(), turns }),
                None => {
                    let program = Program::compile(whole, None).expect("no bound was given");
                    cx.charge(program.steps() / STEPS);
                    return keep(cx, ty, handle, program);
                }
            }
        }
    };
    let budget = cx.budget();
    let done = compiling.turns.turn(budget.saturating_mul(STEPS));
    cx.charge(budget);
    match done {
        Some(program) => keep(cx, ty, handle, program.expect("it was not given up")),
        None => {
            *begun = Some(compiling);
            Ok(Lookup::Later)
        }
    }
}

/// The pool keeps the program for all if it is an alias's; others are kept with the process's own handle, and on its account.
fn keep<'gc>(
    cx: &mut Cx<'gc>,
    ty: Val<'gc>,
    handle: &'gc TypeHandle,
    program: Program,
) -> Result<Lookup<'gc>, LuaError> {
    let bytes = program.bytes();
    let shared = handle.shared_slot().filter(|_| !program.holds_types() && handle.ty().pool.take_room(bytes));
    let slot = match shared {
        Some(slot) => {
            cx.charge_types(&handle.ty().pool, bytes);
            slot
        }
        None => {
            cx.grow_userdata(ty, bytes)?;
            handle.slot()
        }
    };
    let program = slot.get_or_init(|| Arc::new(program) as Arc<dyn Any + Send + Sync>);
    Ok(program.downcast_ref().map_or(Lookup::NoType, Lookup::Known))
}
