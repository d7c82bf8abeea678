//! A plain script: one process with the complete standard library.
//!
//! A script has libraries of its own from the start ([`Script::new`]): it pays nothing for others it may never start. Where there
//! are many processes, each is made over libraries that all share until they change them ([`Script::shared`], `libraries`).

use super::{failure, loader};
use crate::heap::{SharedCode, Value};
use crate::vm::environment::Environment;
use crate::vm::native::{Cx, Kind, Val};
use crate::vm::parcel::Parcel;
use crate::vm::{Exit, LuaError, Vm};

/// How a script ended.
pub enum Outcome {
    /// It returned; the exit code that its results stand for.
    Done(i32),
    /// It raised an error that nothing caught.
    Failed(Failure),
    /// It called `os.exit`.
    Quit(i32),
}

/// An uncaught error.
pub struct Failure {
    /// The error's text.
    pub message: Vec<u8>,
    /// In the layout of 5.3, starting with "stack traceback:".
    pub traceback: Vec<u8>,
    /// Where it happened, if that is known and has source.
    pub place: Option<crate::vm::error::Place>,
}

impl Outcome {
    /// A failure that has no place in a program.
    #[must_use]
    pub fn failed(message: &[u8]) -> Self {
        Self::Failed(Failure { message: message.to_vec(), traceback: Vec::new(), place: None })
    }
}

/// How one input of a session ended.
pub enum Reply {
    /// It returned this many values, which [`Script::print_values`] shows.
    Values(usize),
    /// It raised an error that nothing caught.
    Failed(Failure),
    /// It called `os.exit`.
    Quit(i32),
}

/// A process that runs one script.
pub struct Script {
    vm: Box<Vm>,
}

impl Script {
    /// A process over shared libraries, with nothing loaded. `limit` is its memory limit in bytes.
    ///
    /// # Errors
    /// Memory.
    pub fn shared(libraries: &'static Environment, limit: Option<usize>) -> Result<Self, LuaError> {
        Ok(Self { vm: Vm::with_environment(libraries, limit)? })
    }

    /// A process with the standard library and nothing loaded. `limit` is its memory limit in bytes.
    ///
    /// # Errors
    /// Memory.
    pub fn new(limit: Option<usize>) -> Result<Self, LuaError> {
        let mut vm = Vm::new(limit)?;
        vm.set_loader(&loader::LOADER);
        crate::stdlib::install(&mut vm)?;
        crate::types::install(&mut vm);
        Ok(Self { vm })
    }

    /// The interpreter.
    pub fn vm(&mut self) -> &mut Vm {
        &mut self.vm
    }

    /// Sets the global `arg`: `name` at 0, the arguments from 1, what came before from -1 down.
    ///
    /// # Errors
    /// Memory.
    pub fn set_arg(&mut self, name: &[u8], args: &[Vec<u8>]) -> Result<(), LuaError> {
        self.vm.with_context(|cx| {
            let t = cx.table(args.len(), 1)?;
            let program = cx.string(b"wippy")?;
            t.set_int(cx, -1, program)?;
            let name = cx.string(name)?;
            t.set_int(cx, 0, name)?;
            for (i, arg) in args.iter().enumerate() {
                let arg = cx.string(arg)?;
                t.set_int(cx, i as i64 + 1, arg)?;
            }
            let globals = cx.globals();
            globals.set_name(cx, "arg", t.into())
        })
    }

    /// Starts code with arguments.
    ///
    /// # Errors
    /// Memory.
    pub fn start(&mut self, code: SharedCode, args: &[Vec<u8>]) -> Result<(), LuaError> {
        let f = self.vm.function(code.code())?;
        let mut values: Vec<Value> = Vec::with_capacity(args.len());
        for arg in args {
            values.push(Value::string(self.vm.heap.new_string(arg)?));
        }
        self.vm.start(f, &values)
    }

    /// Loads a chunk as the function `load` does, source or precompiled, and starts it. Its code is the process's own and is
    /// collected like any object. The inner error is the message of a chunk that does not load.
    ///
    /// # Errors
    /// Memory.
    pub fn start_chunk(&mut self, chunk: &[u8], name: &[u8]) -> Result<Result<(), Vec<u8>>, LuaError> {
        match self.vm.with_context(|cx| cx.load(chunk, name, None).map(|f| f.map(Cx::to_host)))? {
            Ok(f) => self.vm.start(f, &[]).map(Ok),
            Err(message) => Ok(Err(message)),
        }
    }

    /// Runs to the end.
    pub fn run(&mut self) -> Outcome {
        loop {
            match self.vm.run() {
                Exit::Preempted | Exit::Yielded => {}
                Exit::Idle => {
                    self.give_up();
                    return Outcome::Failed(self.failure());
                }
                Exit::Quit(code) => {
                    return Outcome::Quit(self.close_if_asked().unwrap_or(code));
                }
                Exit::Done => return self.outcome_of_results(),
                Exit::Failed => return Outcome::Failed(self.failure()),
            }
        }
    }

    /// For tests: runs to the end, which must be a good one, and leaves the results where they are.
    #[cfg(test)]
    pub fn run_to_end(&mut self) {
        loop {
            match self.vm.run() {
                Exit::Preempted => {}
                exit => return assert_eq!(exit, Exit::Done),
            }
        }
    }

    /// Runs to the end, for a session: results stay values.
    pub fn reply(&mut self) -> Reply {
        loop {
            match self.vm.run() {
                Exit::Preempted | Exit::Yielded => {}
                Exit::Idle => {
                    self.give_up();
                    return Reply::Failed(self.failure());
                }
                Exit::Quit(code) => {
                    return Reply::Quit(self.close_if_asked().unwrap_or(code));
                }
                Exit::Done => return Reply::Values(self.vm.exit_values().len()),
                Exit::Failed => return Reply::Failed(self.failure()),
            }
        }
    }

    /// What a run that is over means for the program whose main process this is.
    pub fn outcome(&mut self, left: Exit) -> Outcome {
        match left {
            Exit::Done => self.outcome_of_results(),
            Exit::Quit(code) => Outcome::Quit(code),
            _ => Outcome::Failed(self.failure()),
        }
    }

    /// The error object that the program raised and did not catch, if it was one.
    pub fn raised(&mut self, left: Exit) -> Option<crate::vm::error_object::ErrorObject> {
        let values = self.vm.exit_values().to_vec();
        if left == Exit::Done {
            return failure::of_results(&mut self.vm, &values);
        }
        let value = *values.first()?;
        self.vm.with_context(|cx| cx.host_value(value).as_error().map(|e| e.failure()))
    }

    /// What a run that is over means for other processes.
    ///
    /// # Errors
    /// Memory, for the copy of the result.
    pub fn exit(&mut self, left: Exit) -> Result<super::message::Exit, LuaError> {
        use super::message::Exit as Ended;
        let values = self.vm.exit_values().to_vec();
        let failure = match left {
            Exit::Done => failure::of_results(&mut self.vm, &values),
            _ => {
                let value = values.first().copied().unwrap_or(Value::NIL);
                Some(failure::of_raised(&mut self.vm, value, None))
            }
        };
        if let Some(error) = failure {
            return Ok(Ended::Failed(error));
        }
        self.vm.with_context(|cx| {
            let result = values.first().map(|&v| cx.host_value(v));
            Parcel::pack(cx, result.filter(|v| !v.is_nil())).map(Ended::Normal)
        })
    }

    /// Nothing runs and nothing outside could change that: the program would stand still for ever.
    pub fn give_up(&mut self) {
        let text = self.vm.deadlock_text("deadlock: all coroutines are blocked");
        self.vm.fail_idle(&text);
    }

    /// Shows the results of the last input with whatever the global `print` is now.
    pub fn print_values(&mut self) -> Reply {
        let values = self.vm.exit_values().to_vec();
        let print = self.vm.with_context(|cx| Cx::to_host(cx.globals().get_name("print")));
        match self.vm.start(print, &values) {
            Ok(()) => self.reply(),
            Err(e) => {
                let message = match self.vm.error_value(e.into_raised()) {
                    Ok(value) => failure::display(&mut self.vm, value),
                    Err(code) => return Reply::Quit(code),
                };
                Reply::Failed(Failure { message, traceback: Vec::new(), place: None })
            }
        }
    }

    /// A global variable that is a string or a number, as text.
    pub fn global_text(&mut self, name: &str) -> Option<Vec<u8>> {
        self.vm.with_context(|cx| {
            let v = cx.globals().get_name(name);
            let text = if v.is_number() { cx.number_string(v).ok()? } else { v };
            text.as_str().map(|s| s.bytes().to_vec())
        })
    }

    /// What the results of the main chunk mean for the exit code (`spec/cli.md` section 4).
    fn outcome_of_results(&mut self) -> Outcome {
        let values = self.vm.exit_values().to_vec();
        let failure = self.vm.with_context(|cx| {
            let second = values.get(1).copied().unwrap_or(Value::NIL);
            let second = cx.host_value(second);
            let error = second.as_error().map(|e| e.message().to_vec());
            error.or_else(|| second.as_str().map(|s| s.bytes().to_vec()))
        });
        if let Some(message) = failure {
            return Outcome::Failed(Failure { message, traceback: Vec::new(), place: None });
        }
        let first = values.first().copied().unwrap_or(Value::NIL);
        Outcome::Done(self.vm.with_context(|cx| exit_code(cx.host_value(first))))
    }

    fn failure(&mut self) -> Failure {
        let value = self.vm.exit_values().first().copied().unwrap_or(Value::NIL);
        let traceback = self.vm.take_traceback().unwrap_or_default();
        let place = self.vm.take_place();
        let message = failure::display(&mut self.vm, value);
        Failure { message, traceback, place }
    }

    /// The second argument of `os.exit`; the code if a finalizer has another one.
    pub(super) fn close_if_asked(&mut self) -> Option<i32> {
        if self.vm.close_on_exit { self.close() } else { None }
    }

    /// Runs the finalizers of everything that is left, as the end of a program does; gives the code if one calls `os.exit`.
    pub fn close(&mut self) -> Option<i32> {
        self.vm.finish_collection();
        self.vm.heap.gc.finalize_all();
        let quit = self.vm.close();
        crate::stdlib::base::flush_stdout();
        quit
    }
}

/// Exit code of a result: numbers are truncated, booleans 0 and 1, everything else 0.
fn exit_code(v: Val<'_>) -> i32 {
    match v.kind() {
        Kind::Int(n) => n as i32,
        Kind::Float(f) if f.is_finite() => f as i64 as i32,
        Kind::Float(_) | Kind::Bool(false) => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::native::Native;

    static BROKEN: Native = Native::new("broken", |_| panic!("on purpose"));

    fn code(text: &str) -> SharedCode {
        SharedCode::publish(loader::compile_source(text.as_bytes(), b"=test").expect("a program"))
    }

    /// A mistake of ours in a native function ends that run, not the host, and the process can still be used.
    #[test]
    fn panic_in_a_native_function_is_a_failure() {
        let mut script = Script::new(None).expect("memory");
        script
            .vm()
            .with_context(|cx| {
                let globals = cx.globals();
                globals.set_name(cx, "broken", Val::native(&BROKEN))
            })
            .expect("memory");
        script.start(code("local t = {} return pcall(broken, t)"), &[]).expect("memory");
        match script.run() {
            Outcome::Failed(failure) => assert_eq!(failure.message, b"panic in native code"),
            Outcome::Done(code) | Outcome::Quit(code) => panic!("ended with {code}"),
        }
        script.start(code("return 7"), &[]).expect("memory");
        assert!(matches!(script.run(), Outcome::Done(7)));
        script.close();
    }

    /// Locals of a run that failed live on in closures, whatever the next run does with the stack.
    #[test]
    fn upvalues_survive_a_failed_run() {
        let mut script = Script::new(None).expect("memory");
        let first = "local u = 7 function keep() return u end error('e')";
        for (text, fails) in [(first, true), ("local a, b, c = 1, 2, 3 return keep()", false)] {
            script.start(code(text), &[]).expect("memory");
            match script.run() {
                Outcome::Failed(_) => assert!(fails),
                Outcome::Done(code) | Outcome::Quit(code) => assert!(!fails && code == 7, "{code}"),
            }
        }
    }
}
