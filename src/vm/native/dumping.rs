//! What `string.dump` asks of its process: functions become chunks, large ones in turns.

use super::progress::Kept;
use super::{Cx, Val};
use crate::bytecode::dump::dump;
use crate::heap::Code;
use crate::limits::{BYTES_PER_REDUCTION, DUMP_STEP_COST, MAX_DUMPED_AT_ONCE};
use crate::turns::Turns;
use crate::vm::LuaError;

/// A function that is being written.
struct Dumping {
    turns: Turns<Vec<u8>>,
    bytes: usize,
}

impl Kept for Dumping {
    fn outside(&self) -> usize {
        self.bytes
    }
}

impl<'gc> Cx<'gc> {
    /// The binary chunk of a function; a large one is written in turns, if somebody might wait. `None`: return
    /// [`super::Step::Again`] and call this again at the next entry.
    ///
    /// # Errors
    /// Memory, and a native function.
    pub fn dump_in_turns(&mut self, f: Val<'gc>, strip: bool) -> Result<Option<Vec<u8>>, LuaError> {
        if let Some(dumping) = self.take::<Dumping>() {
            return Ok(self.go_on_dumping(dumping));
        }
        let f = f.raw();
        if f.tag != crate::heap::value::tag::CLOSURE {
            return Err(LuaError::message("unable to dump given function"));
        }
        // SAFETY: live during 'gc, and a closure's code as long as it.
        let code: &Code = unsafe { &*(*f.as_closure()).code };
        let bytes = code.bytes();
        self.reserve_memory(bytes)?;
        let mut proto = code.to_proto();
        if bytes > MAX_DUMPED_AT_ONCE && self.vm().loader.is_some_and(|loader| !(loader.alone)(self)) {
            self.charge(bytes / BYTES_PER_REDUCTION);
            // Nobody needs the prototype when there is no thread.
            match Turns::start(move || dump(&proto, strip)) {
                Some(turns) => return Ok(self.go_on_dumping(Box::new(Dumping { turns, bytes }))),
                None => proto = code.to_proto(),
            }
        }
        let chunk = dump(&proto, strip);
        self.charge(8 + chunk.len() / 8);
        Ok(Some(chunk))
    }

    fn go_on_dumping(&mut self, mut dumping: Box<Dumping>) -> Option<Vec<u8>> {
        let steps = self.budget().div_ceil(DUMP_STEP_COST);
        let result = dumping.turns.turn(steps);
        self.charge(steps * DUMP_STEP_COST);
        if result.is_none() {
            self.keep_boxed(dumping);
        }
        result
    }
}
