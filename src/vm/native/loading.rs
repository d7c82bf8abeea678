//! What `load` and its relatives ask of their process: chunks become functions, large ones in turns.

use super::progress::Kept;
use super::{Cx, Val};
use crate::bytecode::Proto;
use crate::heap::Value;
use crate::limits::{BYTES_PER_REDUCTION, LOAD_STEP_COST, MAX_LOADED_AT_ONCE};
use crate::turns::Turns;
use crate::vm::{LoadMode, Loader, LuaError};

/// A function, or the message for the caller of `load`.
pub type Loaded<'gc> = Result<Val<'gc>, Vec<u8>>;

/// A chunk that is being compiled, or read.
pub struct Loading {
    turns: Turns<Result<Proto, Vec<u8>>>,
    bytes: usize,
}

impl Kept for Loading {
    fn outside(&self) -> usize {
        self.bytes
    }
}

const NO_LOADER: &[u8] = b"no compiler in this process";

/// Text or binary.
const ANY: LoadMode = LoadMode { text: true, binary: true };

impl<'gc> Cx<'gc> {
    /// Compiles or loads a chunk and makes a function of it, at once.
    ///
    /// # Errors
    /// Memory.
    pub fn load(
        &mut self,
        chunk: &[u8],
        name: &[u8],
        env: Option<Val<'gc>>,
    ) -> Result<Loaded<'gc>, LuaError> {
        let Some(loader) = self.loader_for(chunk)? else { return Ok(Err(NO_LOADER.to_vec())) };
        match loader(chunk, name, ANY) {
            Ok(proto) => self.link(proto, env).map(Ok),
            Err(message) => Ok(Err(message)),
        }
    }

    /// Begins to compile or load a chunk in turns, if it is large: then go on with [`Cx::go_on_loading`].
    ///
    /// # Errors
    /// Memory.
    pub fn begin_loading(&mut self, chunk: &[u8], name: &[u8]) -> Result<Option<Box<Loading>>, LuaError> {
        if chunk.len() <= MAX_LOADED_AT_ONCE {
            return Ok(None);
        }
        let Some(loader) = self.loader_for(chunk)? else { return Ok(None) };
        self.charge(chunk.len() / BYTES_PER_REDUCTION);
        let (chunk, name) = (chunk.to_vec(), name.to_vec());
        let bytes = chunk.len();
        let turns = Turns::start(move || loader(&chunk, &name, ANY));
        Ok(turns.map(|turns| Box::new(Loading { turns, bytes })))
    }

    /// Works on a chunk for the rest of the slice. `None`: it is kept; return [`super::Step::Again`], and at the next entry
    /// [`Cx::take`] gives it back.
    ///
    /// # Errors
    /// Memory.
    pub fn go_on_loading(
        &mut self,
        mut loading: Box<Loading>,
        env: Option<Val<'gc>>,
    ) -> Result<Option<Loaded<'gc>>, LuaError> {
        let steps = self.budget().div_ceil(LOAD_STEP_COST);
        let result = loading.turns.turn(steps);
        self.charge(steps * LOAD_STEP_COST);
        match result {
            None => {
                self.keep_boxed(loading);
                Ok(None)
            }
            Some(Ok(proto)) => self.link(proto, env).map(|f| Some(Ok(f))),
            Some(Err(message)) => Ok(Some(Err(message))),
        }
    }

    fn loader_for(&mut self, chunk: &[u8]) -> Result<Option<Loader>, LuaError> {
        // The compiler's trees and tables take several times the size of the source.
        self.reserve_memory(chunk.len())?;
        Ok(self.vm().loader)
    }

    fn link(&mut self, proto: Proto, env: Option<Val<'gc>>) -> Result<Val<'gc>, LuaError> {
        let vm = self.vm_mut();
        let code = vm.heap.link_local(proto)?;
        let env = env.map_or(vm.globals_value(), |v| v.raw());
        // SAFETY: the code belongs to a unit of this heap.
        let closure = unsafe { vm.main_closure(code, env)? };
        Ok(Val::raw_new(Value::closure(closure)))
    }
}
