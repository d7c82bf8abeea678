//! RE2's notation of regular expressions in terms of the `regex` crate, which shares most of it.
//!
//! What RE2 reads otherwise: `\d`, `\s`, `\w` and `\b` know ASCII alone; `[`, `&`, `~` and `-` in a class are themselves; a `{` that
//! begins no repetition is itself; `\Q…\E` quotes. Repetitions of repetitions and of more than a thousand times are none. Groups
//! need not be remembered here, only whether there is a match.

use crate::limits::MAX_PATTERN_REPEATS;
use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassPerl, ClassPerlKind, ClassSetItem, GroupKind, RepetitionKind,
    RepetitionRange, Span, Visitor, parse::Parser,
};
use std::iter::Peekable;
use std::str::Chars;

/// An expression for the `regex` crate; `None` if it is none.
#[must_use]
pub fn translate(source: &str) -> Option<String> {
    let text = Notation::new(source).translate();
    let ast = Parser::new().parse(&text).ok()?;
    let changes = ast::visit(&ast, Changes::default()).ok()?;
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (start, end, new) in changes {
        out.push_str(&text[at..start]);
        out.push_str(new);
        at = end;
    }
    out.push_str(&text[at..]);
    Some(out)
}

/// What is written otherwise.
struct Notation<'a> {
    left: Peekable<Chars<'a>>,
    out: String,
}

impl<'a> Notation<'a> {
    fn new(source: &'a str) -> Self {
        Self { left: source.chars().peekable(), out: String::with_capacity(source.len()) }
    }

    fn translate(mut self) -> String {
        while let Some(c) = self.left.next() {
            match c {
                '\\' => self.escape(),
                '[' => self.class(),
                '{' if !self.begins_repetition() => self.out.push_str(r"\{"),
                c => self.out.push(c),
            }
        }
        self.out
    }

    fn follows(&self, text: &str) -> bool {
        let mut left = self.left.clone();
        text.chars().all(|c| left.next() == Some(c))
    }

    /// What stands behind a backslash.
    fn escape(&mut self) {
        match self.left.next() {
            Some('Q') => {
                while !self.follows(r"\E")
                    && let Some(c) = self.left.next()
                {
                    self.out.push_str(&regex_syntax::escape(c.encode_utf8(&mut [0; 4])));
                }
                self.left.nth(1);
            }
            Some(c) => {
                self.out.extend(['\\', c]);
                if matches!(c, 'p' | 'P' | 'x') && self.left.peek() == Some(&'{') {
                    for c in self.left.by_ref() {
                        self.out.push(c);
                        if c == '}' {
                            break;
                        }
                    }
                }
            }
            None => self.out.push('\\'),
        }
    }

    fn begins_repetition(&self) -> bool {
        let mut left = self.left.clone().peekable();
        let mut number = || {
            let mut digits = 0;
            while left.next_if(char::is_ascii_digit).is_some() {
                digits += 1;
            }
            (digits > 0, left.next())
        };
        match number() {
            (true, Some('}')) => true,
            (true, Some(',')) => number().1 == Some('}'),
            _ => false,
        }
    }

    fn class(&mut self) {
        self.out.push('[');
        if let Some(not) = self.left.next_if_eq(&'^') {
            self.out.push(not);
        }
        let mut first = true;
        while let Some(&c) = self.left.peek() {
            if c == ']' && !first {
                self.left.next();
                self.out.push(']');
                return;
            }
            first = false;
            self.item();
            if self.left.peek() == Some(&'-') && !self.follows("-]") {
                self.left.next();
                self.out.push('-');
                self.item();
            }
        }
    }

    /// A character of a class, or a named class in it.
    fn item(&mut self) {
        let Some(c) = self.left.next() else { return };
        match c {
            '\\' => self.escape(),
            '[' if self.left.peek() == Some(&':') => {
                self.out.push('[');
                while !self.follows(":]")
                    && let Some(c) = self.left.next()
                {
                    self.out.push(c);
                }
                self.out.extend(self.left.by_ref().take(2));
            }
            '[' | ']' | '&' | '~' | '-' => self.out.extend(['\\', c]),
            c => self.out.push(c),
        }
    }
}

/// What means something else: places in the text, and what to write there.
#[derive(Default)]
struct Changes(Vec<(usize, usize, &'static str)>);

/// It is none of RE2's expressions.
struct Refused;

impl Changes {
    fn put(&mut self, span: Span, new: &'static str) {
        self.0.push((span.start.offset, span.end.offset, new));
    }

    fn class(&mut self, class: &ClassPerl) {
        let new = match (&class.kind, class.negated) {
            (ClassPerlKind::Digit, false) => "[0-9]",
            (ClassPerlKind::Digit, true) => "[^0-9]",
            (ClassPerlKind::Space, false) => r"[\t\n\f\r\x20]",
            (ClassPerlKind::Space, true) => r"[^\t\n\f\r\x20]",
            (ClassPerlKind::Word, false) => "[0-9A-Za-z_]",
            (ClassPerlKind::Word, true) => "[^0-9A-Za-z_]",
        };
        self.put(class.span, new);
    }
}

impl Visitor for Changes {
    type Output = Vec<(usize, usize, &'static str)>;
    type Err = Refused;

    fn finish(self) -> Result<Self::Output, Refused> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Refused> {
        match ast {
            Ast::ClassPerl(class) => self.class(class),
            Ast::Assertion(assertion) => match assertion.kind {
                AssertionKind::WordBoundary => self.put(assertion.span, r"(?-u:\b)"),
                AssertionKind::NotWordBoundary => self.put(assertion.span, r"(?-u:\B)"),
                _ => {}
            },
            Ast::Group(group) => {
                let start = group.span.start;
                let end = match &group.kind {
                    GroupKind::CaptureIndex(_) => start.offset + 1,
                    GroupKind::CaptureName { name, .. } => name.span.end.offset + 1,
                    GroupKind::NonCapturing(_) => return Ok(()),
                };
                self.0.push((start.offset, end, "(?:"));
            }
            Ast::Repetition(repetition) => {
                let most = match repetition.op.kind {
                    RepetitionKind::Range(
                        RepetitionRange::Exactly(n)
                        | RepetitionRange::AtLeast(n)
                        | RepetitionRange::Bounded(_, n),
                    ) => n,
                    _ => 0,
                };
                if most > MAX_PATTERN_REPEATS || matches!(*repetition.ast, Ast::Repetition(_)) {
                    return Err(Refused);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Refused> {
        if let ClassSetItem::Perl(class) = item {
            self.class(class);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expressions with texts that match and texts that do not, as RE2 has it.
    #[test]
    fn as_re2_reads_it() {
        for (source, matching, others) in [
            (r"^\d+$", &["12"][..], &["٣", "x"][..]),
            (r"^\w$", &["_", "K"], &["é", "\u{212a}"]),
            (r"^\s$", &[" ", "\n"], &["\u{a0}", "\u{b}"]),
            (r"^[\D]$", &["٣", "é"], &["1"]),
            (r"^[^\w-]$", &["é", " "], &["a", "-"]),
            (r"\bé", &["aé"], &["é"]),
            (r"^{.*}$", &["{}", "{a}"], &["", "a"]),
            (r"^a{,5}$", &["a{,5}"], &["aa"]),
            (r"^a{2,}$", &["aa", "aaaa"], &["a"]),
            (r"^[^[\]]+$", &["ab"], &["[", "]"]),
            (r"^[]a]+$", &["]a"], &["b"]),
            (r"^[[:digit:][x]+$", &["1[x"], &[":", "d"]),
            (r"^[a-z&&b]$", &["&", "c", "b"], &["A"]),
            (r"^[+--]$", &["+", ",", "-"], &["."]),
            (r"^[--9]$", &["-", ".", "5"], &["+"]),
            (r"^[a-]$", &["a", "-"], &["b"]),
            (r"^[~~]$", &["~"], &["a"]),
            (r"^\Qa.b*\E+$", &["a.b**"], &["a.b", "axb*"]),
            (r"^\Q[", &["["], &["a"]),
            (r"^(?P<year>\d{4})-(\d\d)$", &["2026-11"], &["2026-1"]),
            (r"^(?i:ab)c$", &["ABc"], &["abC"]),
            (r"^\p{Greek}\pN\x{e9}\x41$", &["α1éA"], &["a1éA"]),
            (r"^\{2}$", &["{2}"], &["{{"]),
        ] {
            let text = translate(source).unwrap_or_else(|| panic!("{source} is an expression"));
            let regex = regex::bytes::Regex::new(&text).unwrap_or_else(|e| panic!("{source}: {text}: {e}"));
            for matching in matching {
                assert!(regex.is_match(matching.as_bytes()), "{source} {text} {matching}");
            }
            for other in others {
                assert!(!regex.is_match(other.as_bytes()), "{source} {text} {other}");
            }
        }
    }

    #[test]
    fn what_re2_refuses() {
        for source in ["(", "a**", "a*+", "a{1001}", "a{2}{3}", "(?=a)", r"(a)\1", "[a", r"a\", "[b-a]", "*"]
        {
            assert_eq!(translate(source), None, "{source}");
        }
        assert!(translate("(?:a*)*").is_some() && translate("a{1000}").is_some());
    }
}
