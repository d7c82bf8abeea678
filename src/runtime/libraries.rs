//! The libraries of processes that are started: one image for all that get the same, made when the first of them starts.
//!
//! A process made over it costs no memory for libraries before it changes one, and what it can observe is the same as with
//! libraries of its own.

use super::{library, loader};
use crate::vm::environment::Environment;
use crate::vm::{LuaError, Vm};
use std::sync::{Mutex, PoisonError};

/// Adds to the standard library and `process` what this room knows nothing of: modules.
pub type Prepare = fn(&mut Vm) -> Result<(), LuaError>;

/// The images made so far; a program has a few kinds of processes at most.
static IMAGES: Mutex<Vec<(Prepare, &'static Environment)>> = Mutex::new(Vec::new());

/// The libraries of processes with what `prepare` adds.
///
/// # Errors
/// Memory.
pub fn shared(prepare: Prepare) -> Result<&'static Environment, LuaError> {
    let mut images = IMAGES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, image)) = images.iter().find(|(known, _)| std::ptr::fn_addr_eq(*known, prepare)) {
        return Ok(image);
    }
    let image = Environment::new(|vm| {
        vm.set_loader(&loader::LOADER);
        crate::stdlib::install(vm)?;
        crate::types::install(vm);
        vm.with_context(library::open_shared)?;
        prepare(vm)
    })?;
    images.push((prepare, image));
    Ok(image)
}
