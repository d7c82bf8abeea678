//! Errors in flight: one word in a `Result`.

use super::Vm;
use crate::heap::{OutOfMemory, TableError, Value};

/// An error on its way to a handler.
pub struct LuaError(Box<Raised>);

const _: () = assert!(size_of::<LuaError>() == size_of::<usize>());

/// What was raised.
pub(crate) enum Raised {
    /// A value; already complete.
    Value(Value),
    /// A message without position; the position of the running function at the level is put in front.
    Message { text: Vec<u8>, level: u32 },
    /// A message of the interpreter itself: with the position of the running function if that is a Lua function, none if native
    /// code runs.
    Runtime(Vec<u8>),
    /// A bad argument of the running native function: number from 1 and description.
    Argument { number: usize, text: Vec<u8> },
    /// Memory: "not enough memory", without position or handler.
    Memory,
    /// A value that has passed its message handler.
    Handled(Value),
    /// `os.exit` and the like: the host ends the program with this code.
    Exit(i32),
}

/// A place in a source file.
#[derive(Clone, Debug)]
pub struct Place {
    /// Chunk name with its mark, as given to `load`; the allocation of the prototype, so that the host can tell equal names
    /// apart.
    pub source: std::sync::Arc<[u8]>,
    pub line: u32,
    pub span: crate::diag::Span,
}

impl LuaError {
    pub(crate) fn new(raised: Raised) -> Self {
        Self(Box::new(raised))
    }

    /// Raises a value as it is.
    #[must_use]
    pub fn value(v: Value) -> Self {
        Self::new(Raised::Value(v))
    }

    /// Raises a message with the position of the function that runs.
    #[must_use]
    pub fn message(text: impl Into<Vec<u8>>) -> Self {
        Self::new(Raised::Message { text: text.into(), level: 1 })
    }

    /// Raises a message of the interpreter itself; see [`Raised::Runtime`].
    #[must_use]
    pub(crate) fn runtime(text: impl Into<Vec<u8>>) -> Self {
        Self::new(Raised::Runtime(text.into()))
    }

    /// Raises a message without position.
    #[must_use]
    pub fn bare(text: impl Into<Vec<u8>>) -> Self {
        Self::new(Raised::Message { text: text.into(), level: 0 })
    }

    /// Raises "bad argument #n to 'f' (text)".
    #[must_use]
    pub fn argument(number: usize, text: impl Into<Vec<u8>>) -> Self {
        Self::new(Raised::Argument { number, text: text.into() })
    }

    /// Raises "not enough memory".
    #[must_use]
    pub fn memory() -> Self {
        Self::new(Raised::Memory)
    }

    /// Ends the program with an exit code.
    #[must_use]
    pub fn exit(code: i32) -> Self {
        Self::new(Raised::Exit(code))
    }

    pub(crate) fn is_memory(&self) -> bool {
        matches!(*self.0, Raised::Memory)
    }

    pub(crate) fn into_raised(self) -> Raised {
        *self.0
    }
}

impl From<OutOfMemory> for LuaError {
    fn from(_: OutOfMemory) -> Self {
        Self::memory()
    }
}

impl From<TableError> for LuaError {
    fn from(e: TableError) -> Self {
        match e {
            TableError::NilKey => Self::runtime("table index is nil"),
            TableError::NanKey => Self::runtime("table index is NaN"),
            // Whoever stores in a large table makes room for it first.
            TableError::Overflow | TableError::Large => Self::runtime("table overflow"),
            TableError::Memory => Self::memory(),
            // Whoever stores gives the process its own copy first (`Vm::make_own`).
            TableError::Shared => Self::runtime("attempt to change a shared table"),
        }
    }
}

impl std::fmt::Debug for LuaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &*self.0 {
            Raised::Value(v) | Raised::Handled(v) => write!(f, "raised {v:?}"),
            Raised::Message { text, .. } | Raised::Runtime(text) => {
                write!(f, "raised {:?}", String::from_utf8_lossy(text))
            }
            Raised::Argument { number, text } => {
                write!(f, "bad argument #{number} ({:?})", String::from_utf8_lossy(text))
            }
            Raised::Memory => f.write_str("not enough memory"),
            Raised::Exit(code) => write!(f, "exit {code}"),
        }
    }
}

impl Vm {
    /// The Lua value of an error; adds positions. `None` for an exit request.
    pub(crate) fn error_value(&mut self, raised: Raised) -> Result<Value, i32> {
        let text = match raised {
            Raised::Value(v) | Raised::Handled(v) => return Ok(v),
            Raised::Exit(code) => return Err(code),
            Raised::Memory => {
                return Ok(Self::memory_text());
            }
            Raised::Message { mut text, level } => {
                if level > 0 {
                    let mut with = self.position(level);
                    with.append(&mut text);
                    text = with;
                }
                text
            }
            Raised::Runtime(mut text) => {
                let mut with = self.runtime_position();
                with.append(&mut text);
                with
            }
            Raised::Argument { number, text } => self.argument_message(number, &text),
        };
        match self.heap.new_string(&text) {
            Ok(s) => Ok(Value::string(s)),
            Err(OutOfMemory) => Ok(Self::memory_text()),
        }
    }

    /// The error value for want of memory: a constant, because there is no room for another.
    fn memory_text() -> Value {
        Value::string(crate::heap::string::constant(b"not enough memory"))
    }

    /// True if `v` is the very value that stands for want of memory.
    pub(super) fn is_memory_text(v: Value) -> bool {
        v.is_string() && v.payload == Self::memory_text().payload
    }
}
