//! `wippy repl`: reads, runs and prints, one input after the other.
//!
//! An input is a line, or several while the text so far only lacks an end. Expressions need no `return`. All inputs run in
//! one process, each as a chunk of its own: globals stay, locals do not. Without a terminal there are no prompts, so that
//! the output of a piped session is the output of its program.

use super::failure::{self, Texts};
use super::{exit, signal};
use crate::bytecode::Proto;
use crate::heap::SharedCode;
use crate::limits::MAX_HISTORY;
use crate::runtime::loader::compile_source;
use crate::runtime::script::{Reply, Script};
use crate::stdlib::io::stream;
use crate::syntax::SyntaxError;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Config, Editor};
use std::io::IsTerminal;
use std::path::PathBuf;

/// Start an interactive session
///
/// Values of expressions are printed. Ctrl-C stops what runs or clears the line, Ctrl-D ends the session. The globals
/// '_PROMPT' and '_PROMPT2' replace the prompts.
#[derive(clap::Args)]
pub struct Args {}

/// Name of every input in messages, as in the reference.
const NAME: &[u8] = b"=stdin";
/// Put before an input that may be an expression.
const RETURN: &[u8] = b"return ";

/// Runs the command; the result is the exit code.
pub fn run(_: &Args, memory_limit: Option<usize>) -> i32 {
    let Ok(mut script) = Script::new(memory_limit) else { return exit::fail("not enough memory") };
    if crate::modules::add_searcher(script.vm()).is_err() {
        return exit::fail("not enough memory");
    }
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let mut lines = if terminal { Lines::terminal() } else { Lines::Pipe };
    if terminal {
        exit::show(&format!("{}\nCtrl-D ends the session.\n", super::BANNER));
    }
    let interrupt = signal::Interrupt::new(script.vm().interrupt_flag());
    let mut texts = Texts::default();
    let code = loop {
        crate::stdlib::base::flush_stdout();
        let input = match read_input(&mut script, &mut lines) {
            Read::Input(input) => input,
            Read::Wrong => continue,
            Read::End => break exit::SUCCESS,
            Read::Broken(message) => break exit::fail(&message),
        };
        // A Ctrl-C from before this input is not meant for it.
        interrupt.reset();
        match execute(&mut script, input, &mut texts) {
            Reply::Values(_) => {}
            Reply::Failed(failure) => failure::report(&failure, &texts),
            Reply::Quit(code) => {
                lines.save();
                crate::stdlib::base::flush_stdout();
                return code;
            }
        }
    };
    lines.save();
    script.close().unwrap_or(code)
}

/// Runs one input and prints its values.
fn execute(script: &mut Script, input: Input, texts: &mut Texts) -> Reply {
    texts.add(&input.proto.source, input.text, input.prefix);
    if script.start(SharedCode::publish(input.proto), &[]).is_err() {
        return Reply::Failed(crate::runtime::script::Failure {
            message: b"not enough memory".to_vec(),
            traceback: Vec::new(),
            place: None,
        });
    }
    match script.reply() {
        Reply::Values(n) if n > 0 => match script.print_values() {
            Reply::Failed(mut failure) => {
                failure.message = [b"error calling 'print' (", &failure.message[..], b")"].concat();
                Reply::Failed(failure)
            }
            printed => printed,
        },
        reply => reply,
    }
}

/// A complete input.
struct Input {
    proto: Proto,
    text: Vec<u8>,
    /// Bytes put before the text to compile it.
    prefix: usize,
}

enum Read {
    Input(Input),
    /// Not a program, or given up; the user knows.
    Wrong,
    End,
    /// The terminal fails.
    Broken(String),
}

/// Reads lines until they are a chunk.
fn read_input(script: &mut Script, lines: &mut Lines) -> Read {
    let mut text = match lines.next(script, false) {
        Ok(line) => line,
        Err(Stop::End) => return Read::End,
        Err(Stop::Cleared) => return Read::Wrong,
        Err(Stop::Broken(message)) => return Read::Broken(message),
    };
    loop {
        let (error, prefix) = match compile(&text) {
            Ok(input) => {
                lines.remember(&text);
                return Read::Input(input);
            }
            Err(Refusal::Unfinished(error, prefix)) => match lines.next(script, true) {
                Ok(line) => {
                    text.push(b'\n');
                    text.extend_from_slice(&line);
                    continue;
                }
                Err(Stop::Cleared) => return Read::Wrong,
                Err(Stop::Broken(message)) => return Read::Broken(message),
                Err(Stop::End) => (error, prefix),
            },
            Err(Refusal::Wrong(error, prefix)) => (error, prefix),
        };
        lines.remember(&text);
        failure::report_syntax_in(NAME, marked_expression(&text).unwrap_or(&text), &error, prefix);
        return Read::Wrong;
    }
}

/// Why a text is no input, and how many bytes stood before it when that came out.
enum Refusal {
    /// More text could make it one.
    Unfinished(SyntaxError, u32),
    Wrong(SyntaxError, u32),
}

/// What follows a leading `=`, the way to print a value in older versions, still taken by the reference.
fn marked_expression(text: &[u8]) -> Option<&[u8]> {
    text.strip_prefix(b"=")
}

/// Compiles the text as an expression if it is one, else as statements.
fn compile(text: &[u8]) -> Result<Input, Refusal> {
    let marked = marked_expression(text);
    let expression = marked.unwrap_or(text);
    let prefix = RETURN.len();
    let no_expression = match compile_source(&[RETURN, expression].concat(), NAME) {
        Ok(proto) => return Ok(Input { proto, text: expression.to_vec(), prefix }),
        Err(error) if is_unfinished(&error) => return Err(Refusal::Unfinished(error, prefix as u32)),
        Err(error) => error,
    };
    if marked.is_some() {
        return Err(Refusal::Wrong(no_expression, prefix as u32));
    }
    match compile_source(text, NAME) {
        Ok(proto) => Ok(Input { proto, text: text.to_vec(), prefix: 0 }),
        Err(error) if is_unfinished(&error) => Err(Refusal::Unfinished(error, 0)),
        Err(error) => Err(Refusal::Wrong(error, 0)),
    }
}

/// True if more text could make it a program.
fn is_unfinished(error: &SyntaxError) -> bool {
    error.message.ends_with(b"near <eof>")
}

/// Why there is no line.
enum Stop {
    End,
    /// Ctrl-C: the input so far is dropped.
    Cleared,
    Broken(String),
}

/// Where lines come from.
enum Lines {
    Terminal { editor: Box<Editor<(), DefaultHistory>>, history: Option<PathBuf> },
    Pipe,
}

impl Lines {
    /// A line editor with the history of earlier sessions; a terminal that cannot be edited on is read like a pipe.
    fn terminal() -> Self {
        let config =
            Config::builder().max_history_size(MAX_HISTORY).map(|c| c.auto_add_history(false).build());
        let Ok(mut editor) = config.and_then(Editor::with_config) else { return Self::Pipe };
        let history = history_file();
        if let Some(path) = &history {
            // None yet, or not readable: the session begins without.
            let _ = editor.load_history(path);
        }
        Self::Terminal { editor: Box::new(editor), history }
    }

    fn next(&mut self, script: &mut Script, continued: bool) -> Result<Vec<u8>, Stop> {
        match self {
            Self::Terminal { editor, .. } => {
                let (name, default) = if continued { ("_PROMPT2", ">> ") } else { ("_PROMPT", "> ") };
                let prompt = script.global_text(name);
                let prompt = prompt.map_or(default.into(), |p| String::from_utf8_lossy(&p).into_owned());
                editor.readline(&prompt).map(String::into_bytes).map_err(|e| match e {
                    ReadlineError::Eof => Stop::End,
                    ReadlineError::Interrupted => Stop::Cleared,
                    e => Stop::Broken(format!("cannot read from the terminal: {e}")),
                })
            }
            Self::Pipe => {
                let line = read_line().map_err(|e| {
                    let reason = e.to_string();
                    let reason = reason.split(" (os error").next().unwrap_or_default();
                    Stop::Broken(format!("cannot read standard input: {reason}"))
                })?;
                line.ok_or(Stop::End)
            }
        }
    }

    fn remember(&mut self, input: &[u8]) {
        if let Self::Terminal { editor, .. } = self
            && !input.trim_ascii().is_empty()
        {
            // A history that is full or refuses an entry is no reason to stop.
            let _ = editor.add_history_entry(String::from_utf8_lossy(input));
        }
    }

    fn save(&mut self) {
        if let Self::Terminal { editor, history: Some(path) } = self {
            // A home that cannot be written to is no error of the session.
            let _ = path.parent().map(std::fs::create_dir_all);
            let _ = editor.save_history(path);
        }
    }
}

/// The next line of standard input without its end; none at the end. Programs read what follows it, so nothing is read
/// ahead past the stream that they use.
fn read_line() -> std::io::Result<Option<Vec<u8>>> {
    let mut stdin = stream::lock(stream::stdin());
    let mut line = Vec::new();
    loop {
        let bytes = stdin.peek()?;
        if bytes.is_empty() {
            return Ok((!line.is_empty()).then_some(line));
        }
        let end = memchr::memchr(b'\n', bytes);
        let taken = end.unwrap_or(bytes.len());
        line.extend_from_slice(&bytes[..taken]);
        stdin.consume(taken + usize::from(end.is_some()));
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

/// `wippy/history` in the user's directory for program data.
fn history_file() -> Option<PathBuf> {
    let directory = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let data = directory("XDG_DATA_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| directory("APPDATA"))
        .or_else(|| directory("HOME").map(|home| home.join(".local/share")))?;
    Some(data.join("wippy/history"))
}
