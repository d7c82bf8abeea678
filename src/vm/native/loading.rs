//! What `load` and its relatives ask of their process: chunks become functions, large ones in turns.

use super::progress::Kept;
use super::{Cx, Val};
use crate::bytecode::Proto;
use crate::heap::{Code, SharedCode, Value};
use crate::limits::{BYTES_PER_REDUCTION, LOAD_COST, LOAD_STEP_COST, MAX_LOADED_AT_ONCE};
use crate::turns::Turns;
use crate::vm::{LoadMode, Loader, LuaError, Published};
use std::borrow::Cow;
use std::sync::Arc;

/// A function, or the message for the caller of `load`.
pub type Loaded<'gc> = Result<Val<'gc>, Vec<u8>>;

/// Where a chunk comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nobody else has it.
    Process,
    /// It is the text of a file, which other processes may load, too: then its code is the program's.
    File,
}

/// Text and chunk name of code that all processes share.
type Publication = (Arc<Vec<u8>>, Box<[u8]>);

/// A chunk that is being compiled, or read.
struct Loading {
    turns: Turns<Result<Proto, Vec<u8>>>,
    /// If the code will be the program's.
    publish: Option<Publication>,
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
        match (loader.compile)(chunk, name, ANY) {
            Ok(proto) => self.link(proto, None, env).map(Ok),
            Err(message) => Ok(Err(message)),
        }
    }

    /// [`Cx::load`] for chunks that the program pays for: a large one is compiled or loaded in turns, if somebody might
    /// wait. `None`: return [`super::Step::Again`] and call [`Cx::go_on_loading`] at the next entry. A chunk that is
    /// the caller's own is not copied, and not kept while its code is linked.
    ///
    /// # Errors
    /// Memory.
    pub fn load_in_turns(
        &mut self,
        mut chunk: Cow<'_, [u8]>,
        name: &[u8],
        origin: Origin,
        env: Option<Val<'gc>>,
    ) -> Result<Option<Loaded<'gc>>, LuaError> {
        let wanted = match self.published(origin, &chunk, name) {
            Published::Code(code) => return self.link_shared(code, env).map(|f| Some(Ok(f))),
            Published::Wanted => true,
            Published::No => false,
        };
        let Some(loader) = self.loader_for(&chunk)? else { return Ok(Some(Err(NO_LOADER.to_vec()))) };
        let bytes = chunk.len();
        if bytes > MAX_LOADED_AT_ONCE && !(loader.alone)(self) {
            self.charge(bytes / BYTES_PER_REDUCTION);
            let text = Arc::new(chunk.into_owned());
            let (theirs, their_name) = (Arc::clone(&text), name.to_vec());
            match Turns::start(move || (loader.compile)(&theirs, &their_name, ANY)) {
                Some(turns) => {
                    let publish = wanted.then(|| (text, name.into()));
                    self.keep_boxed(Box::new(Loading { turns, publish, bytes }));
                    return self.go_on_loading(env);
                }
                None => chunk = Arc::unwrap_or_clone(text).into(),
            }
        }
        self.charge(20 + bytes.saturating_mul(LOAD_COST));
        match (loader.compile)(&chunk, name, ANY) {
            Ok(proto) => self.link(proto, wanted.then_some((&*chunk, name)), env).map(|f| Some(Ok(f))),
            Err(message) => Ok(Some(Err(message))),
        }
    }

    fn published(&mut self, origin: Origin, chunk: &[u8], name: &[u8]) -> Published {
        match self.vm().loader {
            Some(loader) if origin == Origin::File => (loader.published)(self, chunk, name),
            _ => Published::No,
        }
    }

    /// Works for the rest of the slice on the chunk that [`Cx::load_in_turns`] has begun, which answers likewise.
    ///
    /// # Errors
    /// Memory.
    pub fn go_on_loading(&mut self, env: Option<Val<'gc>>) -> Result<Option<Loaded<'gc>>, LuaError> {
        let mut loading = self.take::<Loading>().expect("kept when the chunk was begun");
        let steps = self.budget().div_ceil(LOAD_STEP_COST);
        let result = loading.turns.turn(steps);
        self.charge(steps * LOAD_STEP_COST);
        match result {
            None => {
                self.keep_boxed(loading);
                Ok(None)
            }
            Some(Ok(proto)) => {
                let publish = loading.publish.as_ref().map(|(text, name)| (&text[..], &**name));
                self.link(proto, publish, env).map(|f| Some(Ok(f)))
            }
            Some(Err(message)) => Ok(Some(Err(message))),
        }
    }

    fn loader_for(&mut self, chunk: &[u8]) -> Result<Option<&'static Loader>, LuaError> {
        // The compiler's trees and tables take several times the size of the source.
        self.reserve_memory(chunk.len())?;
        Ok(self.vm().loader)
    }

    /// A function of a prototype, whose code is the program's if it is to be published with this text and chunk name.
    fn link(
        &mut self,
        proto: Proto,
        publish: Option<(&[u8], &[u8])>,
        env: Option<Val<'gc>>,
    ) -> Result<Val<'gc>, LuaError> {
        if let (Some((text, name)), Some(loader)) = (publish, self.vm().loader) {
            let code = (loader.publish)(self, text, name, proto);
            return self.link_shared(code, env);
        }
        let code = self.vm_mut().heap.link_local(proto)?;
        // SAFETY: the code belongs to a unit of this heap.
        unsafe { self.function_of(code, env) }
    }

    fn link_shared(&mut self, code: SharedCode, env: Option<Val<'gc>>) -> Result<Val<'gc>, LuaError> {
        // SAFETY: such code is immortal.
        unsafe { self.function_of(code.code(), env) }
    }

    /// A function of code with `env`, or else the globals, as its first upvalue.
    ///
    /// # Safety
    /// The code lives as long as the function.
    unsafe fn function_of(&mut self, code: *const Code, env: Option<Val<'gc>>) -> Result<Val<'gc>, LuaError> {
        let vm = self.vm_mut();
        let env = env.map_or(vm.globals_value(), |v| v.raw());
        // SAFETY: by contract.
        let closure = unsafe { vm.main_closure(code, env)? };
        Ok(Val::raw_new(Value::closure(closure)))
    }
}
