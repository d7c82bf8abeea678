//! Syntax errors in the words of 5.3.
//!
//! LALRPOP stops at the same token as the reference; which message belongs there follows from what the parser could have
//! taken instead, the tokens around, and the constructs still open. Nothing here runs for a program that parses.

use std::fmt;

use super::lexer::{Error, Nest, Open, Opener, Shared, decoded};
use super::token::Kind;
use crate::diag::Span;
use crate::diag::source::line_at;
use crate::limits::{MAX_LOCALS, MAX_SYNTAX_LEVELS};

/// Why a source text is not a program. `message` has neither the chunk's name nor the line; it is bytes, because it
/// quotes the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    pub message: Vec<u8>,
    /// 1-based; where the reference reports it, which for a token of several lines is its last.
    pub line: u32,
    /// The offending token, empty at the end of the text.
    pub span: Span,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, String::from_utf8_lossy(&self.message))
    }
}

impl std::error::Error for SyntaxError {}

impl SyntaxError {
    #[must_use]
    pub fn new(message: impl Into<Vec<u8>>, line: u32, span: Span) -> Self {
        Self { message: message.into(), line, span }
    }

    /// `message near 'text'`.
    pub(super) fn near_text(source: &[u8], message: &str, text: &[u8], span: Span) -> Error {
        // As 5.3, whose formatted messages end at a zero byte of the text they quote.
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        let message = [message.as_bytes(), b" near '", text, b"'"].concat();
        Box::new(Self::new(message, line_at(source, span.end as usize), span))
    }

    /// `message near 'the text of the span'`.
    pub(super) fn near_span(source: &[u8], message: &str, span: Span) -> Error {
        let text = source.get(span.start as usize..span.end as usize).unwrap_or_default();
        Self::near_text(source, message, text, span)
    }

    /// `message near <eof>`.
    pub(super) fn at_end(source: &[u8], message: &str) -> Error {
        let end = source.len() as u32;
        let message = format!("{message} near <eof>");
        Box::new(Self::new(message, line_at(source, source.len()), Span::new(end, end)))
    }

    /// A label whose name is a keyword.
    pub(super) fn keyword_label(source: &[u8], start: usize, name: &[u8]) -> Error {
        let rest = source.get(start + 2..).unwrap_or_default();
        let at = start + 2 + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        Self::near_span(source, "<name> expected", Span::new(at as u32, (at + name.len()) as u32))
    }

    /// `message near` the token handed out last.
    pub(super) fn near_last(shared: &Shared<'_>, message: &str) -> Error {
        near(shared, message, shared.last.get())
    }
}

/// `message near` a token, which is quoted as 5.3 does it.
fn near(shared: &Shared<'_>, message: &str, (span, kind): (Span, Kind)) -> Error {
    let source = shared.source;
    match kind {
        Kind::Eof => SyntaxError::at_end(source, message),
        Kind::Unknown => match source.get(span.start as usize) {
            // As 5.3, for which a zero byte is no token to name.
            Some(0) => Box::new(SyntaxError::new(message, line_at(source, span.end as usize), span)),
            Some(byte) if !matches!(byte, b' '..=b'~') => {
                SyntaxError::near_text(source, message, format!("<\\{byte}>").as_bytes(), span)
            }
            _ => SyntaxError::near_span(source, message, span),
        },
        Kind::GreaterAdjacent => {
            // 5.3 reads one token here.
            SyntaxError::near_text(source, message, b">>", Span::new(span.start, span.end + 1))
        }
        Kind::String => SyntaxError::near_text(source, message, &decoded(source, span, kind), span),
        Kind::Label | Kind::QuestionColon | Kind::AtName | Kind::AtNameCall => {
            // One token here, several in the reference, which stops at the first.
            let length = if kind == Kind::Label { 2 } else { 1 };
            SyntaxError::near_span(source, message, Span::new(span.start, span.start + length))
        }
        _ => SyntaxError::near_span(source, message, span),
    }
}

/// The nesting limit was passed at the token `at`.
#[cold]
pub(super) fn too_many_levels(shared: &Shared<'_>, at: (Span, Kind)) -> Error {
    near(shared, &format!("too many C levels (limit is {MAX_SYNTAX_LEVELS}) in {}", place(shared, 0)), at)
}

/// The innermost function, or the one around it if `outer`, has one local variable too many.
#[cold]
pub(super) fn too_many_locals(shared: &Shared<'_>, outer: bool) -> Error {
    let place = place(shared, usize::from(outer));
    near(shared, &format!("too many local variables (limit is {MAX_LOCALS}) in {place}"), shared.last.get())
}

/// The function around the current token, `outer` functions further out.
fn place(shared: &Shared<'_>, outer: usize) -> String {
    let nest = shared.nest.borrow();
    let mut functions =
        nest.stack.iter().rev().filter(|open| matches!(open.opener, Opener::Function | Opener::FunctionExpr));
    match functions.nth(outer) {
        Some(open) => format!("function at line {}", line_at(shared.source, open.at as usize)),
        None => "main function".to_owned(),
    }
}

/// What the parser could have taken instead of the token it stopped at.
struct Expected<'e>(&'e [String]);

impl Expected<'_> {
    fn has(&self, terminal: &str) -> bool {
        self.0.iter().any(|name| name.trim_matches('"') == terminal)
    }

    fn any(&self, terminals: &[&str]) -> bool {
        terminals.iter().any(|terminal| self.has(terminal))
    }
}

/// The error for a token the grammar does not allow; `at` is [`Kind::Eof`] at the end of the text.
#[cold]
pub(super) fn unexpected(shared: &Shared<'_>, at: (Span, Kind), expected: &[String]) -> Error {
    let nest = shared.nest.borrow();
    let expected = Expected(expected);
    if at.1 == Kind::DoubleColon && expected.has("while") {
        return unfinished_label(shared, at.0);
    }
    if at.1 == Kind::GreaterAdjacent && shared.before.get() == Kind::GreaterAdjacent {
        // The reference has read the first two as one shift.
        return near(shared, "unexpected symbol", (at.0, Kind::Greater));
    }
    // A name declared just now counts before the token behind it is looked at.
    let declared = expected.has("in") || expected.has(":") && !expected.has(".");
    if declared
        && shared.before.get() == Kind::Name
        && let Err(error) = shared.declare_local()
    {
        return error;
    }
    let operator = matches!(shared.before.get(), Kind::BinOp | Kind::UnOp | Kind::Minus | Kind::Tilde);
    if operator && at.1 == Kind::Eof && shared.levels.get() + shared.pending.get() + 2 > MAX_SYNTAX_LEVELS {
        // The last operator was not reduced yet.
        drop(nest);
        return too_many_levels(shared, at);
    }
    let message = message(shared, &nest, at, &expected);
    near(shared, &message, at)
}

/// A `::` that begins no label where a statement may begin.
fn unfinished_label(shared: &Shared<'_>, colons: Span) -> Error {
    let rest = Shared::new(shared.source.get(colons.end as usize..).unwrap_or_default(), shared.texts);
    let shift = |span: Span| Span::new(span.start + colons.end, span.end + colons.end);
    let mut tokens = super::lexer::Lexer::new(&rest);
    for message in ["<name> expected", "'::' expected"] {
        match tokens.next() {
            Some(Ok(_)) => {
                let (span, kind) = rest.last.get();
                if message.starts_with('<') && kind == Kind::Name {
                    continue;
                }
                return near(shared, message, (shift(span), kind));
            }
            Some(Err(mut error)) => {
                error.span = shift(error.span);
                error.line = line_at(shared.source, error.span.end as usize);
                return error;
            }
            None => return near(shared, message, (Span::default(), Kind::Eof)),
        }
    }
    near(shared, "unexpected symbol", (colons, Kind::DoubleColon))
}

fn message(shared: &Shared<'_>, nest: &Nest, at: (Span, Kind), expected: &Expected<'_>) -> String {
    let statement = expected.has("while");
    let open = nest.stack.last();
    let opener = open.map(|open| open.opener);
    let eof_or_closer = matches!(at.1, Kind::End | Kind::Else | Kind::Elseif | Kind::Until | Kind::Eof);
    // An expression statement that is no call, no assignment.
    if statement
        && expected.has("=")
        && (expected.has(".") || !expected.has("("))
        && !is_behind_call(shared, at)
    {
        return "syntax error".to_owned();
    }
    if statement {
        return if eof_or_closer { closer(shared, open, at) } else { "unexpected symbol".to_owned() };
    }
    // Only an expression or a type can begin here.
    if expected.has("NUM") && !expected.has("]") {
        return "unexpected symbol".to_owned();
    }
    if expected.has("NAME") && expected.has("...") {
        return "<name> or '...' expected".to_owned();
    }
    if expected.has("NAME") && expected.has("(") && !expected.has("{") && !expected.has("NUM") {
        // The next target of an assignment.
        return "unexpected symbol".to_owned();
    }
    if expected.has("NAME") && !expected.has("NUM") {
        return "<name> expected".to_owned();
    }
    if expected.has("STRING") && expected.has("(") && !expected.any(&[".", "BINOP"]) {
        return "function arguments expected".to_owned();
    }
    if expected.has("=") && expected.has("in") {
        return "'=' or 'in' expected".to_owned();
    }
    for terminal in ["then", "do"] {
        if expected.has(terminal) {
            return format!("'{terminal}' expected");
        }
    }
    match opener {
        Some(Opener::Paren) if expected.any(&[")", ","]) => {
            return matching("')'", "(", shared, open, at);
        }
        // As 5.3, which does not say which list of parameters is open.
        Some(Opener::Params) if expected.any(&[")", ","]) => return "')' expected".to_owned(),
        Some(Opener::Brace) if expected.any(&["}", ","]) => return matching("'}'", "{", shared, open, at),
        Some(Opener::Bracket) if expected.has("]") => return "']' expected".to_owned(),
        _ => {}
    }
    // As an operator `>` comes with all the others.
    if expected.has(">") && !expected.has("BINOP") {
        return "'>' expected".to_owned();
    }
    // A target of an assignment that can be none: a call, or something in parentheses.
    if expected.has("=")
        && expected.has(",")
        && matches!(shared.before.get(), Kind::RParen | Kind::RBrace | Kind::String)
    {
        return "syntax error".to_owned();
    }
    for terminal in ["=", "in", "->", ",", "(", ":"] {
        if expected.has(terminal) && !expected.any(&["end", "else", "until", ";"]) {
            return format!("'{terminal}' expected");
        }
    }
    closer(shared, open, at)
}

/// `'x' expected`, and what it would close if that is on another line.
fn matching(what: &str, who: &str, shared: &Shared<'_>, open: Option<&Open>, at: (Span, Kind)) -> String {
    let end = if at.1 == Kind::Eof { shared.source.len() } else { at.0.end as usize };
    let start =
        |open: &Open| if open.opener == Opener::Paren { paren_start(shared, open.at) } else { open.at };
    match open.map(|open| line_at(shared.source, start(open) as usize)) {
        Some(line) if line != line_at(shared.source, end) => {
            format!("{what} expected (to close '{who}' at line {line})")
        }
        _ => format!("{what} expected"),
    }
}

/// The tokens of the source in front of `at`.
fn tokens_before(shared: &Shared<'_>, at: usize) -> Vec<(Span, Kind)> {
    let prefix = Shared::new(shared.source.get(..at).unwrap_or_default(), shared.texts);
    super::lexer::Lexer::new(&prefix).map(|_| prefix.last.get()).collect()
}

/// Whether the expression in front of `at` ends in the arguments of a call. The parser does not know yet: it looks at the next
/// token before it takes them together.
fn is_behind_call(shared: &Shared<'_>, at: (Span, Kind)) -> bool {
    match shared.before.get() {
        Kind::String | Kind::RBrace => true,
        Kind::RParen => {
            let end = if at.1 == Kind::Eof { shared.source.len() } else { at.0.start as usize };
            let tokens = tokens_before(shared, end);
            let before = before_parentheses(&tokens);
            match before.last().map(|(_, kind)| *kind) {
                Some(Kind::RParen) => !is_parameters(before),
                Some(Kind::RBracket | Kind::RBrace | Kind::String) => true,
                called => called.is_some_and(is_name),
            }
        }
        _ => false,
    }
}

/// What is in front of the parentheses that the tokens end with.
fn before_parentheses(tokens: &[(Span, Kind)]) -> &[(Span, Kind)] {
    let mut depth = 0_u32;
    let opened = tokens.iter().rposition(|(_, kind)| {
        match kind {
            Kind::RParen => depth += 1,
            Kind::LParen | Kind::AtNameCall => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    &tokens[..opened.unwrap_or(0)]
}

/// Whether the parentheses that the tokens end with hold the parameters of a function.
fn is_parameters(tokens: &[(Span, Kind)]) -> bool {
    let of_name = |kind: Kind| is_name(kind) || matches!(kind, Kind::Dot | Kind::Colon);
    let mut before = before_parentheses(tokens).iter().rev().map(|(_, kind)| *kind);
    before.find(|kind| !of_name(*kind)) == Some(Kind::Function)
}

/// A name, or a word that is one where it is not part of a type.
fn is_name(kind: Kind) -> bool {
    matches!(kind, Kind::Name | Kind::Typeof | Kind::Keyof | Kind::Fun | Kind::Readonly)
}

/// Where the reference says an open parenthesis is: that of a call where the called expression begins.
fn paren_start(shared: &Shared<'_>, at: u32) -> u32 {
    let tokens = tokens_before(shared, at as usize);
    let mut start = at;
    let mut rest = tokens.as_slice();
    // One step to the left per part of the suffix chain.
    while let [before @ .., (span, kind)] = rest {
        match kind {
            Kind::RParen | Kind::RBracket | Kind::RBrace => {
                let mut depth = 0_u32;
                while let [before @ .., (span, kind)] = rest {
                    rest = before;
                    start = span.start;
                    match kind {
                        Kind::RParen | Kind::RBracket | Kind::RBrace => depth += 1,
                        Kind::LParen | Kind::LBracket | Kind::LBrace => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            Kind::String => {
                start = span.start;
                rest = before;
            }
            kind if is_name(*kind) => {
                start = span.start;
                match before {
                    [before @ .., (_, Kind::Dot | Kind::Colon)] => rest = before,
                    _ => break,
                }
            }
            _ => break,
        }
    }
    start
}

/// The word that closes the innermost open construct was expected, or the end of the text.
fn closer(shared: &Shared<'_>, open: Option<&Open>, at: (Span, Kind)) -> String {
    let (what, who) = match open.map(|open| open.opener) {
        // The text ends inside a type, where nothing is open that could be closed.
        None if at.1 == Kind::Eof => return "unexpected symbol".to_owned(),
        None => return "<eof> expected".to_owned(),
        Some(Opener::Repeat) => ("'until'", "repeat"),
        Some(Opener::Do) => ("'end'", "do"),
        Some(Opener::While) => ("'end'", "while"),
        Some(Opener::For) => ("'end'", "for"),
        Some(Opener::If) => ("'end'", "if"),
        Some(Opener::Interface) => ("'end'", "interface"),
        Some(Opener::Function | Opener::FunctionExpr) => ("'end'", "function"),
        Some(Opener::Paren | Opener::Params) => ("')'", "("),
        Some(Opener::Brace) => ("'}'", "{"),
        Some(Opener::Bracket) => return "']' expected".to_owned(),
    };
    matching(what, who, shared, open, at)
}
