//! Why a value was refused: path, expectation, constraint, and the message and error object made of them.

use crate::vm::error_object::{Detail, ErrorObject, kind};

/// What was wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    Mismatch {
        expected: Vec<u8>,
        got: &'static str,
    },
    /// A required field is absent.
    Missing,
    /// A validator, and what is said of values that do not meet it.
    Constraint {
        name: &'static str,
        message: &'static str,
    },
    Unresolved(Vec<u8>),
    /// Too many levels.
    Depth,
}

/// The first thing wrong with a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// `a.b[2]`; empty for the value itself.
    pub path: Vec<u8>,
    pub fault: Fault,
}

impl Failure {
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.path.is_empty() {
            out.extend_from_slice(&self.path);
            out.extend_from_slice(b": ");
        }
        match &self.fault {
            Fault::Mismatch { expected, got } => {
                out.extend_from_slice(b"expected ");
                out.extend_from_slice(expected);
                out.extend_from_slice(b", got ");
                out.extend_from_slice(got.as_bytes());
            }
            Fault::Missing => out.extend_from_slice(b"required field missing"),
            Fault::Constraint { message, .. } => out.extend_from_slice(message.as_bytes()),
            Fault::Unresolved(name) => {
                out.extend_from_slice(b"unresolved type ");
                out.extend_from_slice(name);
            }
            Fault::Depth => out.extend_from_slice(b"recursion limit exceeded"),
        }
        out
    }

    #[must_use]
    pub fn to_error(&self) -> ErrorObject {
        let text = |bytes: &[u8]| Detail::Str(bytes.into());
        let mut details = Vec::new();
        let mut add = |name: &str, value| details.push((name.as_bytes().into(), value));
        if !self.path.is_empty() {
            add("field", text(&self.path));
        }
        match &self.fault {
            Fault::Mismatch { expected, got } => {
                add("expected", text(expected));
                add("got", text(got.as_bytes()));
            }
            Fault::Constraint { name, .. } => add("constraint", text(name.as_bytes())),
            Fault::Missing | Fault::Unresolved(_) | Fault::Depth => {}
        }
        ErrorObject::permanent(kind::INVALID, self.message()).with_details(details)
    }
}
