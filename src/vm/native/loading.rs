//! What `load` and its relatives ask of their process: chunks become functions, large ones in turns.

use super::progress::Kept;
use super::{Cx, Val};
use crate::bytecode::{Proto, Text};
use crate::heap::code::texts;
use crate::heap::{Code, Linked, SharedCode, Strings, Value};
use crate::limits::{
    BYTES_PER_REDUCTION, LINK_STEPS, LINK_TEXT_COST, LOAD_COST, LOAD_ROOM, LOAD_STEP_COST, MAX_LOADED_AT_ONCE,
};
use crate::turns::{Turns, within};
use crate::vm::{LoadMode, Loader, LuaError, Published};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

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

/// A chunk and its name.
struct Source {
    text: Arc<Vec<u8>>,
    /// May be as long as the text.
    name: Arc<[u8]>,
}

/// A prototype, the texts of its constants, and the bytes that both take.
type Compiled = (Proto, Vec<Text>, usize);

/// What compiles, or reads, a chunk. Nothing comes of it if that takes more memory than there is.
type Compiling = Turns<Option<Result<Compiled, Vec<u8>>>>;

/// How far a chunk is that is loaded in turns.
enum Stage {
    /// Garbage has been collected so that there is room for compiling it.
    Collected,
    Compiling(Compiling),
    /// Its constants become strings of the process, one after the other. A table in the window keeps them alive.
    Interning {
        proto: Proto,
        texts: Vec<Text>,
        done: usize,
        strings: Strings,
    },
    /// Its instructions and constants get their final form.
    Linking(Turns<Option<Linked>>),
}

/// A chunk that is being loaded.
struct Loading {
    stage: Stage,
    source: Source,
    /// The code will be the program's.
    publish: bool,
    /// What compiling takes, or what came of it.
    held: usize,
    /// The window's top when it began.
    top: usize,
}

impl Kept for Loading {
    fn outside(&self) -> usize {
        let now = match &self.stage {
            Stage::Collected => 0,
            Stage::Compiling(turns) => turns.held(),
            Stage::Interning { strings, .. } => self.held + strings.bytes(),
            Stage::Linking(_) => self.held,
        };
        self.source.text.capacity() + self.source.name.len() + now
    }
}

/// A prototype whose constants are strings, with their texts, for whoever links it.
type Job = Mutex<Option<(Proto, Vec<Text>, Strings)>>;

fn link(job: &Job) -> Option<Linked> {
    let (proto, _, strings) = job.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    Linked::with(proto, &strings)
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
        match self.compile(loader, chunk, &name.into())? {
            Ok(proto) => self.link(proto, None, env).map(Ok),
            Err(message) => Ok(Err(message)),
        }
    }

    /// Compiles or reads a chunk, as far as there is memory for it.
    fn compile(
        &mut self,
        loader: &Loader,
        chunk: &[u8],
        name: &Arc<[u8]>,
    ) -> Result<Result<Proto, Vec<u8>>, LuaError> {
        within(self.vm().heap.room(), || (loader.compile)(chunk, name, ANY)).ok_or_else(LuaError::memory)
    }

    /// [`Cx::load`] for chunks that the program pays for: a large one is compiled or loaded in turns, if somebody might
    /// wait. `None`: return [`super::Step::Again`] and call [`Cx::go_on_loading`] at the next entry. A chunk that is
    /// the caller's own is not copied, and not kept while its code is linked.
    ///
    /// # Errors
    /// Memory.
    pub fn load_in_turns(
        &mut self,
        chunk: Cow<'_, [u8]>,
        name: &[u8],
        origin: Origin,
        env: Option<Val<'gc>>,
    ) -> Result<Option<Loaded<'gc>>, LuaError> {
        let wanted = match self.published(origin, &chunk, name) {
            Published::Code(code) => return self.link_shared(code, env).map(|f| Some(Ok(f))),
            Published::Wanted => true,
            Published::No => false,
        };
        if self.vm().loader.is_none() {
            return Ok(Some(Err(NO_LOADER.to_vec())));
        }
        let bytes = chunk.len();
        let has_room = self.vm().heap.room() / LOAD_ROOM >= bytes;
        if has_room && !self.wants_turns(bytes) {
            return self.load_at_once(&chunk, &name.into(), wanted, env).map(Some);
        }
        let source = Source { text: Arc::new(chunk.into_owned()), name: name.into() };
        let (stage, top) = (Stage::Collected, self.top());
        self.keep_boxed(Box::new(Loading { stage, source, publish: wanted, held: 0, top }));
        // What goes on is the same at the next entry.
        if has_room || self.collect() { self.go_on_loading(env) } else { Ok(None) }
    }

    /// Whether a chunk of this size is not compiled at once.
    fn wants_turns(&mut self, bytes: usize) -> bool {
        bytes > MAX_LOADED_AT_ONCE && self.vm().loader.is_some_and(|loader| !(loader.alone)(self))
    }

    fn load_at_once(
        &mut self,
        chunk: &[u8],
        name: &Arc<[u8]>,
        publish: bool,
        env: Option<Val<'gc>>,
    ) -> Result<Loaded<'gc>, LuaError> {
        let Some(loader) = self.loader_for(chunk)? else { return Ok(Err(NO_LOADER.to_vec())) };
        self.charge(20 + chunk.len().saturating_mul(LOAD_COST));
        match self.compile(loader, chunk, name)? {
            Ok(proto) => self.link(proto, publish.then_some((chunk, &**name)), env).map(Ok),
            Err(message) => Ok(Err(message)),
        }
    }

    /// The beginning of compiling a chunk in turns, if it is worth that and there is a thread.
    fn begin_turns(&mut self, source: &Source) -> Option<Compiling> {
        let bytes = source.text.len();
        let loader = self.vm().loader?;
        if !self.wants_turns(bytes) {
            return None;
        }
        self.charge(bytes / BYTES_PER_REDUCTION);
        let (text, name) = (Arc::clone(&source.text), Arc::clone(&source.name));
        let room = self.vm().heap.room().saturating_sub(bytes);
        Turns::start(move || {
            within(room, || {
                let compiled = (loader.compile)(&text, &name, ANY);
                compiled.map(|proto| {
                    let (texts, bytes) = texts(&proto);
                    (proto, texts, bytes)
                })
            })
        })
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
        loop {
            loading.stage = match loading.stage {
                Stage::Collected if self.vm_mut().heap.claim(loading.source.text.len() * LOAD_ROOM) => {
                    loading.stage = Stage::Collected;
                    self.keep_boxed(loading);
                    // Nothing goes on in this slice.
                    self.charge(self.budget());
                    return Ok(None);
                }
                Stage::Collected => match self.begin_turns(&loading.source) {
                    Some(turns) => Stage::Compiling(turns),
                    None => {
                        let Source { text, name } = loading.source;
                        return self.load_at_once(&text, &name, loading.publish, env).map(Some);
                    }
                },
                Stage::Compiling(mut turns) => {
                    let steps = self.budget().div_ceil(LOAD_STEP_COST);
                    let result = turns.turn(steps);
                    self.charge(steps * LOAD_STEP_COST);
                    loading.held = turns.held();
                    match result {
                        None => {
                            loading.stage = Stage::Compiling(turns);
                            self.reserve_memory(loading.outside())?;
                            self.keep_boxed(loading);
                            return Ok(None);
                        }
                        Some(None) => return Err(LuaError::memory()),
                        Some(Some(Err(message))) => return Ok(Some(Err(message))),
                        Some(Some(Ok((proto, texts, bytes)))) => {
                            if loading.publish {
                                let Source { text, name } = &loading.source;
                                return self.link(proto, Some((text, name)), env).map(|f| Some(Ok(f)));
                            }
                            // Nobody needs the text any more.
                            loading.source = Source { text: Arc::default(), name: Arc::default() };
                            loading.held = bytes;
                            let strings = self.table(texts.len(), 0)?;
                            self.reserve(1)?;
                            self.push(strings.into());
                            Stage::Interning { proto, texts, done: 0, strings: Strings::default() }
                        }
                    }
                }
                Stage::Interning { proto, texts, mut done, mut strings } => {
                    self.intern(&texts, &mut done, &mut strings, loading.top)?;
                    if done < texts.len() {
                        loading.stage = Stage::Interning { proto, texts, done, strings };
                        self.keep_boxed(loading);
                        return Ok(None);
                    }
                    loading.held += strings.bytes();
                    let job = Arc::new(Mutex::new(Some((proto, texts, strings))));
                    let theirs = Arc::clone(&job);
                    match Turns::start(move || link(&theirs)) {
                        Some(turns) => Stage::Linking(turns),
                        None => return self.adopt(link(&job), loading.top, env),
                    }
                }
                Stage::Linking(mut turns) => {
                    let budget = self.budget();
                    let result = turns.turn(budget * LINK_STEPS);
                    self.charge(budget);
                    let Some(linked) = result else {
                        loading.stage = Stage::Linking(turns);
                        self.keep_boxed(loading);
                        return Ok(None);
                    };
                    return self.adopt(linked, loading.top, env);
                }
            };
        }
    }

    /// A function of code whose strings are in the table at `top` in the window, which goes back to that.
    fn adopt(
        &mut self,
        linked: Option<Linked>,
        top: usize,
        env: Option<Val<'gc>>,
    ) -> Result<Option<Loaded<'gc>>, LuaError> {
        let linked = linked.expect("linked by and for this call");
        // SAFETY: the table has kept the strings alive.
        let code = unsafe { self.vm_mut().heap.adopt_code(linked)? };
        self.set_top(top);
        // SAFETY: the code belongs to a unit of this heap.
        unsafe { self.function_of(code, env).map(|f| Some(Ok(f))) }
    }

    /// Makes strings of texts for the rest of the slice, and puts them into the table at `table` in the window.
    fn intern(
        &mut self,
        texts: &[Text],
        done: &mut usize,
        strings: &mut Strings,
        table: usize,
    ) -> Result<(), LuaError> {
        let kept = self.arg(table).as_table().expect("pushed when the chunk was compiled");
        let mut left = self.budget();
        while left > 0
            && let Some(text) = texts.get(*done)
        {
            let string = self.vm_mut().heap.constant_string(text)?;
            strings.insert(text, string);
            let value = Value::string(string.0.cast_mut());
            kept.set_int(self, *done as i64 + 1, Val::raw_new(value))?;
            *done += 1;
            let cost = LINK_TEXT_COST + text.len() / BYTES_PER_REDUCTION;
            self.charge(cost);
            left = left.saturating_sub(cost);
        }
        Ok(())
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
