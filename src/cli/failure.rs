//! Shows what went wrong in a program: first line, place, line of source with a marker, traceback.
//!
//! 1. The first line has the reference's words; everything else comes after it.
//! 2. An excerpt is shown only if the text is the one that was compiled: texts of this run are known by their names'
//!    allocation, files are read again, and a range that does not lie on the reported line is not shown.

use super::chunk::Chunk;
use super::exit;
use crate::diag::{Location, Report, Severity, Source, Span};
use crate::runtime::loader::error_text;
use crate::runtime::script::Failure;
use crate::stdlib::base::skip_comment;
use crate::syntax::SyntaxError;
use crate::vm::debug::short_source;
use crate::vm::error::Place;
use std::borrow::Cow;
use std::io::IsTerminal;
use std::sync::Arc;

/// The texts that this run compiled itself.
#[derive(Default)]
pub struct Texts(Vec<Text>);

struct Text {
    name: Arc<[u8]>,
    text: Vec<u8>,
    /// Bytes that stood before the text when it was compiled.
    prefix: u32,
}

impl Texts {
    /// Remembers a text by the name in its prototype; spans of the program count `prefix` bytes more than the text has.
    pub fn add(&mut self, name: &Arc<[u8]>, text: Vec<u8>, prefix: usize) {
        self.0.push(Text { name: name.clone(), text, prefix: prefix as u32 });
    }

    /// The text that a place is in and the place's range there.
    fn find(&self, place: &Place) -> Option<(Cow<'_, [u8]>, Span)> {
        if let Some(known) = self.0.iter().rev().find(|t| Arc::ptr_eq(&t.name, &place.source)) {
            let shift = |at: u32| at.saturating_sub(known.prefix);
            let span = Span::new(shift(place.span.start), shift(place.span.end));
            return Some((Cow::Borrowed(&known.text), span));
        }
        let path = place.source.strip_prefix(b"@")?;
        let mut text = std::fs::read(super::path_of(path)).ok()?;
        skip_comment(&mut text);
        Some((Cow::Owned(text), place.span))
    }
}

/// Colours are for people.
fn colours() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Reports an error that nothing caught.
pub fn report(failure: &Failure, texts: &Texts) {
    exit::complain(&render(failure, texts, colours()));
}

fn render(failure: &Failure, texts: &Texts, colours: bool) -> String {
    let mut report = Report::new(Severity::Fatal, String::from_utf8_lossy(&failure.message));
    if !failure.traceback.is_empty() {
        report = report.trailer(String::from_utf8_lossy(&failure.traceback));
    }
    let found = failure.place.as_ref().and_then(|place| Some((place, texts.find(place)?)));
    let Some((place, (text, span))) = found else { return crate::diag::render(&report, colours) };
    let source = Source::new(&text);
    let name = String::from_utf8_lossy(&short_source(&place.source)).into_owned();
    match excerpt(&failure.message, &name, place.line, &source, span) {
        Some(location) => crate::diag::render(&report.at(location), colours),
        None => crate::diag::render(&report, colours),
    }
}

/// The place to show. A message that names another line of the same text (an error passed on, or blamed on a caller) is
/// believed: that line is marked as a whole.
fn excerpt<'a>(
    message: &[u8],
    name: &str,
    line: u32,
    source: &'a Source<'a>,
    span: Span,
) -> Option<Location<'a>> {
    let named = line_in_message(message, name).filter(|&named| named != line);
    if let Some(named) = named {
        let text = source.line_text(named);
        let indent = text.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let start = source.lines().line_start(named) + indent as u32;
        let end = start + text.trim_ascii().len() as u32;
        return (end > start).then(|| Location::of_span(name, source, Span::new(start, end)));
    }
    let last = span.end.saturating_sub(1).max(span.start);
    let lines = source.lines().line(span.start)..=source.lines().line(last);
    (span.end as usize <= source.text().len() && lines.contains(&line))
        .then(|| Location::of_span(name, source, span))
}

/// The line in `name:line: …`.
fn line_in_message(message: &[u8], name: &str) -> Option<u32> {
    let rest = message.strip_prefix(name.as_bytes())?.strip_prefix(b":")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at(digits);
    rest.starts_with(b": ").then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

/// Reports that a text is no program.
pub fn report_syntax(chunk: &Chunk, error: &SyntaxError) {
    exit::complain(&render_syntax(&chunk.name, &chunk.text, error, 0, colours()));
}

/// As [`report_syntax`], for an input of a session that was compiled behind `prefix` bytes.
pub fn report_syntax_in(name: &[u8], text: &[u8], error: &SyntaxError, prefix: u32) {
    exit::complain(&render_syntax(name, text, error, prefix, colours()));
}

fn render_syntax(name: &[u8], text: &[u8], error: &SyntaxError, prefix: u32, colours: bool) -> String {
    let source = Source::new(text);
    let message = error_text(name, error);
    // The message quotes the text, which may be anything; line breaks inside it would break the first line apart.
    let message: String = String::from_utf8_lossy(&message)
        .chars()
        .map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c })
        .collect();
    let span = Span::new(error.span.start.saturating_sub(prefix), error.span.end.saturating_sub(prefix));
    let name = String::from_utf8_lossy(&short_source(name)).into_owned();
    let mut report = Report::new(Severity::Fatal, message);
    if text.contains(&0) {
        // An excerpt of a program for another machine, or of a picture, helps nobody.
        return crate::diag::render(&report.help("this is a binary file, not Lua source"), colours);
    }
    report = report.at(Location::of_span(name, &source, span));
    let in_text = SyntaxError { span, ..error.clone() };
    if let Some(help) = crate::syntax::hint::hint(text, &in_text) {
        report = report.help(help);
    }
    crate::diag::render(&report, colours)
}
