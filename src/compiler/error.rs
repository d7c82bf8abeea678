//! Errors of the compiler, in the words of the reference.

use super::Compiler;
use crate::diag::Span;
use crate::syntax::SyntaxError;

/// Result of a compilation step. Boxed: it passes through every recursion.
pub(super) type Res<T> = Result<T, Box<SyntaxError>>;

impl Compiler<'_> {
    /// An error at the token after `from`, which the message does not name.
    #[cold]
    pub(super) fn error_at(&mut self, from: u32, message: Vec<u8>) -> Box<SyntaxError> {
        let at = self.source.token(from);
        let end = self.source.token_end(at);
        // A token of several lines counts for its last one.
        let line = self.source.line(end.max(at + 1) - 1);
        Box::new(SyntaxError::new(message, line, Span::new(at, end)))
    }

    /// An error at the next token, which the message quotes.
    #[cold]
    pub(super) fn error_near(&mut self, message: &str) -> Box<SyntaxError> {
        let at = self.source.token(self.cursor);
        let mut text = message.as_bytes().to_vec();
        text.extend_from_slice(b" near ");
        text.extend_from_slice(&self.source.near(at));
        self.error_at(at, text)
    }

    /// Too many of something in the current function.
    #[cold]
    pub(super) fn error_limit(&mut self, limit: usize, what: &str) -> Box<SyntaxError> {
        let line = self.f.line_defined;
        self.error_limit_in(line, limit, what)
    }

    /// Too many of something in the function that starts at `line` (0: the main function).
    #[cold]
    pub(super) fn error_limit_in(&mut self, line: u32, limit: usize, what: &str) -> Box<SyntaxError> {
        let place = if line == 0 { "main function".to_owned() } else { format!("function at line {line}") };
        self.error_near(&format!("too many {what} (limit is {limit}) in {place}"))
    }
}
