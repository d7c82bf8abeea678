//! One shape for everything a user is told: lint findings, syntax and run-time errors, rejected configuration.

use super::{Source, Span};

/// How bad it is, and how the first line begins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// A finding `error[CODE]: …`.
    Error,
    Warning,
    Hint,
    /// What ended a command: `Error: …`.
    Fatal,
}

impl Severity {
    /// The word the first line begins with.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
            Self::Fatal => "Error",
        }
    }
}

/// A place in a named source text. Lines and columns are 1-based.
#[derive(Clone, Debug)]
pub struct Location<'a> {
    /// What the text is called: a path, a chunk name, an entry id.
    pub name: String,
    pub line: u32,
    /// 0 if unknown; then only the line is shown.
    pub column: u32,
    /// The text and the marked range, if they are at hand.
    pub excerpt: Option<(&'a Source<'a>, Span)>,
}

impl<'a> Location<'a> {
    /// The place of a range in a text.
    #[must_use]
    pub fn of_span(name: impl Into<String>, source: &'a Source<'a>, span: Span) -> Self {
        let (line, column) = source.lines().line_column(span.start);
        Self { name: name.into(), line, column, excerpt: Some((source, span)) }
    }

    /// A line of which nothing more is known.
    #[must_use]
    pub fn of_line(name: impl Into<String>, line: u32) -> Self {
        Self { name: name.into(), line, column: 0, excerpt: None }
    }
}

/// One message with what helps to understand it.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    pub severity: Severity,
    /// `E0000`, `W0004` …; none for errors that end a command.
    pub code: Option<&'a str>,
    /// The first line without severity and code; the words of the reference where there are any.
    pub message: String,
    pub location: Option<Location<'a>>,
    pub help: Option<String>,
    pub notes: Vec<String>,
    /// Complete lines below everything else, such as a traceback.
    pub trailer: Option<String>,
}

impl<'a> Report<'a> {
    #[must_use]
    pub fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            severity,
            code: None,
            message: message.into(),
            location: None,
            help: None,
            notes: Vec::new(),
            trailer: None,
        }
    }

    #[must_use]
    pub fn code(mut self, code: &'a str) -> Self {
        self.code = Some(code);
        self
    }

    #[must_use]
    pub fn at(mut self, location: Location<'a>) -> Self {
        self.location = Some(location);
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    #[must_use]
    pub fn trailer(mut self, lines: impl Into<String>) -> Self {
        self.trailer = Some(lines.into());
        self
    }
}
