//! What `string.dump` asks of its process: functions become chunks, large ones in turns.

use super::progress::Kept;
use super::text::Text;
use super::{Cx, Val};
use crate::bytecode::dump::{dump, write};
use crate::heap::Code;
use crate::heap::code::Copying;
use crate::limits::{DUMP_STEP_COST, MAX_DUMPED_AT_ONCE};
use crate::turns::Turns;
use crate::vm::LuaError;

enum Stage {
    /// The function is copied, for the thread.
    Copying(Copying),
    /// The copy is written. Nothing, if there is no memory for the chunk.
    Writing(Turns<Option<Text>>),
}

/// A function that is being written.
struct Dumping {
    stage: Stage,
    strip: bool,
    bytes: usize,
}

impl Kept for Dumping {
    fn outside(&self) -> usize {
        self.bytes
    }
}

impl<'gc> Cx<'gc> {
    /// The binary chunk of a function, which is the first argument; a large one is written in turns, if somebody might wait. `None`:
    /// return [`super::Step::Again`] and call this again at the next entry.
    ///
    /// # Errors
    /// Memory, and a native function.
    pub fn dump_in_turns(&mut self, strip: bool) -> Result<Option<Val<'gc>>, LuaError> {
        if let Some(dumping) = self.take::<Dumping>() {
            return self.go_on_dumping(dumping);
        }
        let f = self.arg(0).raw();
        if f.tag != crate::heap::value::tag::CLOSURE {
            return Err(LuaError::message("unable to dump given function"));
        }
        // SAFETY: live during 'gc, and a closure's code as long as it.
        let code: &Code = unsafe { &*(*f.as_closure()).code };
        let bytes = code.bytes();
        self.reserve_memory(bytes)?;
        if bytes > MAX_DUMPED_AT_ONCE && self.vm().loader.is_some_and(|loader| !(loader.alone)(self)) {
            // SAFETY: the function stays in the window.
            let stage = Stage::Copying(unsafe { Copying::new(code) });
            return self.go_on_dumping(Box::new(Dumping { stage, strip, bytes }));
        }
        self.dump_at_once(strip).map(Some)
    }

    fn dump_at_once(&mut self, strip: bool) -> Result<Val<'gc>, LuaError> {
        // SAFETY: live during 'gc, and a closure's code as long as it.
        let code: &Code = unsafe { &*(*self.arg(0).raw().as_closure()).code };
        let chunk = dump(&code.to_proto(), strip);
        self.charge(8 + chunk.len() / 8);
        self.string(&chunk)
    }

    fn go_on_dumping(&mut self, mut dumping: Box<Dumping>) -> Result<Option<Val<'gc>>, LuaError> {
        loop {
            let budget = self.budget();
            let steps = budget.div_ceil(DUMP_STEP_COST);
            dumping.stage = match dumping.stage {
                Stage::Copying(mut copying) => {
                    // SAFETY: the function is still in the window.
                    let proto = unsafe { copying.go_on(steps) };
                    self.charge(budget);
                    let Some(proto) = proto else {
                        dumping.stage = Stage::Copying(copying);
                        self.keep_boxed(dumping);
                        return Ok(None);
                    };
                    let Dumping { strip, bytes, .. } = *dumping;
                    let work = move || {
                        // More than it will be, mostly: what is not written to takes no memory, and growing would copy.
                        let mut chunk = Text::with_room(bytes.saturating_mul(2))?;
                        write(&proto, strip, &mut chunk);
                        proto.drop_in_turns();
                        Some(chunk)
                    };
                    match Turns::start(work) {
                        Some(turns) => Stage::Writing(turns),
                        None => return self.dump_at_once(dumping.strip).map(Some),
                    }
                }
                Stage::Writing(mut turns) => {
                    let result = turns.turn(steps);
                    self.charge(steps * DUMP_STEP_COST);
                    let Some(chunk) = result else {
                        dumping.stage = Stage::Writing(turns);
                        self.keep_boxed(dumping);
                        return Ok(None);
                    };
                    return self.string_of_text(&mut chunk.ok_or_else(LuaError::memory)?).map(Some);
                }
            };
        }
    }
}
