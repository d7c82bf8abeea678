//! A process as a task: one interpreter, run slice by slice, fed from its mailbox, and what is told to others at its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;

use super::context::{Context, Upgrade, Values};
use super::message::{Answer, Exit, Notice};
use super::node::Node;
use super::peer::{Peer, Watcher};
use super::sched::{End, Task, Turn, TurnContext, Waits};
use super::script::{Outcome, Script};
use super::source::Program;
use super::{library, listing};
use crate::heap::{Settled, Value};
use crate::vm::error_object::{ErrorObject, kind};
use crate::vm::native::Cx;
use crate::vm::parcel::Parcel;
use crate::vm::{Exit as Left, LuaError};

/// What a process starts with.
pub struct Start {
    pub args: Parcel,
    pub values: Arc<Values>,
    /// Number of the starter's wait, if it waits.
    pub ticket: u64,
    /// Who waits until the process has begun.
    pub answer_to: Option<(Arc<Peer>, u64)>,
}

/// Where a process is in its life.
enum Phase {
    /// It has no interpreter yet.
    New,
    /// Its chunk runs.
    Chunk,
    /// Its function runs.
    Body,
}

/// See the head of the file.
pub struct Process {
    node: Arc<Node>,
    peer: Arc<Peer>,
    program: Arc<Program>,
    phase: Phase,
    /// There until the function runs.
    start: Option<Box<Start>>,
    script: Option<Script>,
    exit: Option<Arc<Exit>>,
    /// Only in the main process of a program.
    main: Option<Box<Main>>,
    /// New code has not come to its function yet.
    upgrading: bool,
    /// Whoever started it was told that it could not begin.
    refused: bool,
}

/// What a main process has more than others.
struct Main {
    /// Its end is reported here.
    report: Sender<Ended>,
    outcome: Option<Outcome>,
}

/// The end of a main process, with its interpreter if it still has one.
pub struct Ended {
    pub script: Option<Script>,
    pub outcome: Outcome,
}

// What every waiting process pays for, beside its first cell, its stack and a few small buffers; see `MAX_IDLE_PROCESS`. The
// allocator has blocks of 1280 bytes; the next larger ones have 1408.
const _: () = assert!(size_of::<Process>() <= 64 && size_of::<Context>() <= 288 && size_of::<Peer>() <= 208);
const _: () =
    assert!(size_of::<crate::vm::Vm>() <= 1280 + if cfg!(any(test, feature = "stress")) { 24 } else { 0 });

/// What a process takes beside its heap.
const SIZE: usize =
    size_of::<crate::vm::Vm>() + size_of::<Process>() + size_of::<Context>() + size_of::<Peer>();

fn no_memory() -> ErrorObject {
    ErrorObject::new("not enough memory").with_kind(kind::INTERNAL)
}

/// The name of log lines about processes.
pub const LOGGER: &str = "process";

/// Deliveries in one turn before others get theirs.
const ROUNDS: u32 = 64;

impl Process {
    /// A process that has not run.
    #[must_use]
    pub fn new(node: Arc<Node>, peer: Arc<Peer>, program: Arc<Program>, start: Start) -> Self {
        Self {
            node,
            peer,
            program,
            phase: Phase::New,
            start: Some(Box::new(start)),
            script: None,
            exit: None,
            main: None,
            upgrading: false,
            refused: false,
        }
    }

    /// The main process of a program, whose script has been started.
    ///
    /// # Errors
    /// Memory.
    pub fn main(
        node: &Arc<Node>,
        peer: &Arc<Peer>,
        program: Arc<Program>,
        script: Script,
        report: Sender<Ended>,
    ) -> Self {
        Self {
            node: node.clone(),
            peer: peer.clone(),
            program,
            phase: Phase::Body,
            start: None,
            script: Some(script),
            exit: None,
            main: Some(Box::new(Main { report, outcome: None })),
            upgrading: false,
            refused: false,
        }
    }

    /// Makes an interpreter, which has the library, a process.
    pub fn equip(script: &mut Script, context: Context) {
        let vm = script.vm();
        vm.set_host(Box::new(context));
        vm.set_channel_feeder(&library::OUTSIDE);
    }

    /// Makes the interpreter and starts the chunk.
    #[cold]
    fn begin(&mut self) -> Result<(), ErrorObject> {
        let context = Context::new(
            self.node.clone(),
            self.peer.clone(),
            self.program.clone(),
            self.start.as_ref().map(|start| start.values.clone()).unwrap_or_default(),
        );
        self.begin_with(context).map_err(|_| no_memory())
    }

    fn begin_with(&mut self, context: Context) -> Result<(), LuaError> {
        let kept = context.kept_bytes();
        let mut script = Script::shared(self.node.libraries()?, self.node.memory_limit)?;
        if let Some(share) = &self.peer.share {
            script.vm().heap.join(share.clone(), SIZE);
            script.vm().heap.lend(true);
        }
        Self::equip(&mut script, context);
        let vm = script.vm();
        vm.use_managed();
        vm.heap.add_external(kept);
        let chunk = vm.function(self.program.code.code())?;
        vm.start(chunk, &[])?;
        script.vm().heap.lend(false);
        self.phase = Phase::Chunk;
        self.script = Some(script);
        Ok(())
    }

    /// The chunk is over: starts the function that it leads to.
    #[cold]
    fn chunk_returned(&mut self) -> Result<(), ErrorObject> {
        let Some(script) = self.script.as_mut() else { return Ok(()) };
        let vm = script.vm();
        vm.heap.lend(true);
        let result = vm.exit_values().first().copied().unwrap_or(Value::NIL);
        let method = &self.program.method;
        let entry = vm.with_context(|cx| {
            let v = cx.host_value(result);
            let v = match v.as_table() {
                Some(module) => {
                    let key = cx.string(method)?;
                    module.get(key)
                }
                None => v,
            };
            Ok(v.is_function().then(|| Cx::to_host(v)))
        });
        let Some(entry) = entry.map_err(|_: LuaError| no_memory())? else {
            let message = format!("method \"{}\" not found in module", String::from_utf8_lossy(method));
            return Err(ErrorObject::permanent(kind::NOT_FOUND, message));
        };
        let args = self.start.as_mut().map(|start| std::mem::take(&mut start.args)).unwrap_or_default();
        let values: Result<Vec<Value>, LuaError> = vm.with_context(|cx| {
            let mut values = Vec::with_capacity(args.len());
            args.unpack(cx, |_, v| {
                values.push(Cx::to_host(v));
                Ok(())
            })?;
            Ok(values)
        });
        // Nothing collects before the function has its arguments.
        let values = values.map_err(|_| no_memory())?;
        vm.start(entry, &values).map_err(|_| no_memory())?;
        vm.heap.lend(false);
        self.phase = Phase::Body;
        self.upgrading = false;
        self.started();
        self.start = None;
        Ok(())
    }

    /// The chunk has run, or waits for something.
    fn started(&mut self) {
        self.program.starts_at_once.store(true, Ordering::Relaxed);
        self.tell_starter(|| Answer::Started);
    }

    /// Tells whoever waits for the start, once.
    fn tell_starter(&mut self, answer: impl FnOnce() -> Answer) {
        if let Some((starter, ticket)) = self.start.as_mut().and_then(|start| start.answer_to.take()) {
            let answer = answer();
            if let Answer::NotStarted(_) = answer {
                self.refused = true;
                // For the starter this process has never been.
                self.peer.remove_monitor(&starter);
                self.peer.unlink(&starter);
            }
            self.node.notify(&starter, Notice::Answer { ticket, answer });
        }
    }

    /// Whether there are letters that nobody has looked at, or that somebody may wait for.
    fn has_mail(&mut self) -> bool {
        if !self.peer.mailbox.is_empty() {
            return true;
        }
        let context = self.script.as_mut().and_then(|script| script.vm().host::<Context>());
        context.is_some_and(|context| context.is_due())
    }

    /// Takes the mail in and gives it to those who wait for it.
    fn receive(&mut self) -> Result<(), Box<ErrorObject>> {
        if !self.has_mail() {
            return Ok(());
        }
        let Some(script) = self.script.as_mut() else { return Ok(()) };
        // What is received was counted as long as it waited.
        script.vm().heap.lend(true);
        let received = script.vm().with_context(|cx| {
            cx.with_host(|cx, context: &mut Context| {
                // What does not fit into the process's memory ends it.
                context.receive(cx).map_err(|_: LuaError| Box::new(no_memory()))?;
                context.doomed.take().map_or(Ok(()), Err)
            })
        });
        script.vm().heap.lend(false);
        received.unwrap_or(Ok(()))
    }

    #[cold]
    fn fail(&mut self, error: ErrorObject) -> Turn {
        let error = if self.upgrading && !error.message().starts_with(b"upgrade: ") {
            ErrorObject::new([b"upgrade: ", error.message()].concat()).with_kind(kind::INTERNAL)
        } else {
            error
        };
        if !matches!(self.phase, Phase::Body) {
            let failure = error.failure();
            self.tell_starter(|| Answer::NotStarted(failure));
        }
        if let Some(main) = &mut self.main {
            main.outcome.get_or_insert_with(|| Outcome::failed(error.message()));
        }
        self.exit = Some(Arc::new(Exit::Failed(error)));
        Turn::Done
    }

    /// The interpreter's run is over for good.
    #[cold]
    fn over(&mut self, left: Left) -> Turn {
        let Some(script) = self.script.as_mut() else { return Turn::Done };
        if let Left::Quit(code) = left {
            if let Some(upgrade) = script.vm().host::<Context>().and_then(|context| context.upgrade.take()) {
                return self.upgrade(*upgrade);
            }
            let code = script.close_if_asked().unwrap_or(code);
            self.node.quit(code);
            if let Some(main) = &mut self.main {
                main.outcome = Some(Outcome::Quit(code));
            }
            self.exit = Some(Arc::new(Exit::Normal(Parcel::default())));
            return Turn::Done;
        }
        let exit = if let Some(main) = &mut self.main {
            // Showing an error may run code of the program, which must happen once.
            let error = script.raised(left);
            let outcome = script.outcome(left);
            let exit = match &outcome {
                Outcome::Failed(failure) => {
                    let text = || ErrorObject::new(&failure.message[..]).with_kind(kind::INTERNAL);
                    Ok(Exit::Failed(error.unwrap_or_else(text)))
                }
                Outcome::Done(_) | Outcome::Quit(_) => script.exit(left),
            };
            main.outcome = Some(outcome);
            exit
        } else {
            script.exit(left)
        };
        let exit = exit.unwrap_or_else(|_| Exit::Failed(no_memory()));
        match exit {
            Exit::Normal(value) => {
                self.exit = Some(Arc::new(Exit::Normal(value)));
                Turn::Done
            }
            Exit::Failed(error) if matches!(self.phase, Phase::Chunk) => {
                let text = [b"failed to execute script: ", error.message()].concat();
                self.fail(ErrorObject::new(text).with_kind(kind::INTERNAL).with_retryable(Some(false)))
            }
            Exit::Failed(error) => self.fail(error),
        }
    }

    /// Goes on with other code.
    fn upgrade(&mut self, upgrade: Upgrade) -> Turn {
        let id = if upgrade.program.is_empty() { self.program.id.to_vec() } else { upgrade.program };
        let context = self.script.as_mut().and_then(|script| script.vm().take_host());
        let context = context.and_then(|data| data.downcast::<Context>().ok());
        // The old code is gone with its interpreter.
        self.script = None;
        let failed = |why: &[u8]| {
            ErrorObject::new([b"upgrade: ", why].concat())
                .with_kind(kind::INTERNAL)
                .with_retryable(Some(false))
        };
        let program = match self.node.source.find(&id, true) {
            Ok(program) => program,
            Err(e) => return self.fail(failed(e.message())),
        };
        let Some(context) = context else { return self.fail(failed(b"no process context")) };
        self.program = program.clone();
        self.peer.set_program(program.id.clone());
        let values = context.values.clone();
        self.start = Some(Box::new(Start { args: upgrade.args, values, ticket: 0, answer_to: None }));
        self.upgrading = true;
        self.phase = Phase::New;
        if self.begin_with(context.upgraded(program)).is_err() {
            return self.fail(failed(b"not enough memory"));
        }
        Turn::Yield
    }

    /// One slice of work. The main process of a program runs these itself until it needs the scheduler.
    pub fn slice(&mut self, reductions: u32) -> Turn {
        if matches!(self.phase, Phase::New)
            && let Err(error) = self.begin()
        {
            return self.fail(error);
        }
        if self.peer.share.is_some()
            && self.script.as_mut().is_some_and(|script| script.vm().heap.must_wait())
        {
            return Turn::Yield;
        }
        let mut turn = Turn::Yield;
        for _ in 0..ROUNDS {
            // Handing mail over would end what is to go on slice by slice; the mail can wait for it.
            let busy = self.script.as_mut().is_some_and(|script| script.vm().is_busy());
            if !busy && let Err(why) = self.receive() {
                return self.fail(*why);
            }
            let Some(script) = self.script.as_mut() else { return Turn::Done };
            let vm = script.vm();
            vm.set_slice(i32::try_from(reductions).unwrap_or(i32::MAX));
            let left = vm.run();
            self.peer.count_reductions(vm.used_reductions());
            match left {
                Left::Preempted | Left::Yielded => break,
                Left::Idle if self.has_mail() => {}
                Left::Idle => {
                    turn = Turn::Wait;
                    break;
                }
                Left::Done if matches!(self.phase, Phase::Chunk) => {
                    if let Err(error) = self.chunk_returned() {
                        return self.fail(error);
                    }
                }
                Left::Done | Left::Failed | Left::Quit(_) => return self.over(left),
            }
        }
        if turn == Turn::Wait {
            self.rest();
        }
        if let Some(script) = self.script.as_mut() {
            self.peer.held.store(script.vm().heap.bytes_held(), Ordering::Relaxed);
        }
        if self.peer.share.is_some() { self.settle(turn) } else { turn }
    }

    /// The end of a slice where the program's memory is limited: this process may have to give in.
    #[cold]
    fn settle(&mut self, turn: Turn) -> Turn {
        let Some(script) = self.script.as_mut() else { return turn };
        let vm = script.vm();
        let reductions = self.peer.reductions.load(Ordering::Relaxed);
        let mut settled = vm.heap.settle(reductions, turn == Turn::Wait);
        if turn == Turn::Wait && settled != Settled::Fine {
            vm.collect_idle();
            settled = vm.heap.settle(reductions, true);
        }
        if settled != Settled::GiveIn {
            return turn;
        }
        // A process that waits cannot get an error.
        if turn == Turn::Wait || vm.heap.is_stubborn() {
            if self.main.is_none() {
                return self.fail(no_memory());
            }
            // The main process is the program, which goes on.
            if let Some(share) = &self.peer.share {
                share.spare();
            }
            return turn;
        }
        vm.heap.doom();
        turn
    }

    /// The process waits for something outside.
    fn rest(&mut self) {
        if matches!(self.phase, Phase::Chunk) {
            // The chunk does its work itself: whoever started it need not wait any longer.
            self.started();
        }
    }

    /// Whether nothing that this process waits for can come from inside the program: no operation, no timer, nobody else.
    #[must_use]
    pub fn is_stuck(&mut self) -> bool {
        let Some(script) = self.script.as_mut() else { return false };
        if self.peer.is_terminated() {
            // Its end has been asked for, perhaps by the last other process before it was gone.
            return false;
        }
        if self.node.stands_still() {
            return true;
        }
        self.node.alive() <= 1
            && !script.vm().awaits_operation()
            && !script.vm().host::<Context>().is_some_and(|context| context.waits_for_clock())
            && self.node.env.timers.is_empty()
            && self.peer.mailbox.is_empty()
    }

    /// The program stands still for ever.
    pub fn give_up(&mut self) -> Turn {
        if let Some(script) = self.script.as_mut() {
            script.give_up();
        }
        self.over(Left::Failed)
    }

    /// Tells everybody whom it concerns.
    fn leave(&mut self, exit: Arc<Exit>, is_main: bool) {
        self.peer.close_mailbox();
        let relations = self.peer.end();
        let heard = self.refused || is_main || !relations.watchers.is_empty() || !relations.links.is_empty();
        self.log_end(&exit, heard);
        self.node.names.release(&relations.names, &self.peer.pid);
        self.node.remove(&self.peer);
        let failed = matches!(*exit, Exit::Failed(_));
        if failed {
            self.node.counters.failed.fetch_add(1, Ordering::Relaxed);
        }
        let held = self.script.as_mut().map_or(0, |script| script.vm().heap.bytes_held());
        self.node.counters.heap_bytes.fetch_add(held as u64, Ordering::Relaxed);
        self.node.counters.heaps.fetch_add(1, Ordering::Relaxed);
        for watcher in relations.watchers {
            let from = self.peer.clone();
            let exit = exit.clone();
            match watcher {
                Watcher::Monitor(to) if !to.home.is_stopping() => {
                    self.node.notify(&to, Notice::Exit { from, exit });
                }
                Watcher::Monitor(_) => {}
                Watcher::Exec(to, ticket) => {
                    self.node.notify(&to, Notice::Answer { ticket, answer: Answer::Ended(exit) });
                }
            }
        }
        for link in relations.links {
            if !failed {
                link.forget_link(&self.peer);
            } else if !link.home.is_stopping() {
                let (from, exit) = (self.peer.clone(), exit.clone());
                self.node.notify(&link, Notice::LinkDown { from, exit });
            }
        }
        if let Some(context) = self.script.as_mut().and_then(|script| script.vm().host::<Context>()) {
            context.stop_watching();
            self.node.counters.messages.fetch_add(context.sent, Ordering::Relaxed);
        }
        if let Some(share) = &self.peer.share {
            if !is_main {
                // Room for others before they are told that there is some.
                self.script = None;
            }
            share.gave_in();
        }
        // Only now: a main process that finds itself alone must have got its notices.
        self.node.gone();
    }

    /// The end of a process in the log: a failure that nobody hears of is an error.
    fn log_end(&self, exit: &Exit, heard: bool) {
        let Exit::Failed(error) = exit else {
            tracing::debug!(target: LOGGER, pid = %self.peer.pid, entry = %self.peer.entry(), "process ended");
            return;
        };
        let error = String::from_utf8_lossy(error.message());
        // Whoever ends a process knows of it.
        if heard || self.peer.is_terminated() || self.peer.home.is_stopping() {
            tracing::debug!(target: LOGGER, pid = %self.peer.pid, entry = %self.peer.entry(), %error, "process failed");
        } else {
            tracing::error!(target: LOGGER, pid = %self.peer.pid, entry = %self.peer.entry(), %error, "process failed");
        }
    }
}

impl Task for Process {
    fn run(&mut self, turn: &mut TurnContext<'_>) -> Turn {
        let next = self.slice(turn.slice());
        if next == Turn::Wait && self.main.is_some() && self.is_stuck() {
            return self.give_up();
        }
        next
    }

    fn end(mut self: Box<Self>, end: End, _: &mut TurnContext<'_>) {
        self.finish(&end);
    }

    fn waits(&mut self) -> Waits {
        self.script.as_mut().map(|script| listing::waits(script.vm())).unwrap_or_default()
    }
}

impl Process {
    /// The last thing that is done with a process.
    pub fn finish(&mut self, end: &End) {
        let killed = |text: &str| ErrorObject::new(text).with_kind(kind::INTERNAL);
        let exit = match end {
            End::Done => self.exit.take(),
            End::Killed => None,
            End::Panicked(text) => {
                Some(Arc::new(Exit::Failed(killed(&format!("panic in native code: {text}")))))
            }
        };
        let exit = exit.unwrap_or_else(|| {
            let text = if self.peer.is_flooded() {
                "not enough memory"
            } else if self.main.is_some() && self.node.is_interrupted() {
                "interrupted!"
            } else {
                "process terminated"
            };
            Arc::new(Exit::Failed(killed(text)))
        });
        if !matches!(self.phase, Phase::Body)
            && let Exit::Failed(error) = &*exit
        {
            let failure = error.failure();
            self.tell_starter(|| Answer::NotStarted(failure));
        }
        let Some(main) = self.main.take() else { return self.leave(exit, false) };
        let Main { report, outcome } = *main;
        let outcome = outcome.unwrap_or_else(|| match (&*exit, self.node.quit_code()) {
            (_, Some(code)) => Outcome::Quit(code),
            (Exit::Failed(error), None) => Outcome::failed(error.message()),
            (Exit::Normal(_), None) => Outcome::Done(0),
        });
        self.leave(exit, true);
        // Nobody waits only if the program is ending already.
        let _ = report.send(Ended { script: self.script.take(), outcome });
    }
}
