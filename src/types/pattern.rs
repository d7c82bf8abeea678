//! `@pattern`: regular expressions, compiled when they are first needed, on strings of any length.
//!
//! What is little work is left to `regex`, at one go. Otherwise the expression's automaton reads the string piece by piece, so
//! that a slice can end in between: each byte costs at most as many steps as the automaton has states.

use crate::limits::{MAX_PATTERN_AT_ONCE, MAX_PATTERN_BYTES, MAX_PATTERN_IN_LEAF};
use regex::bytes::{Regex, RegexBuilder};
use regex_automata::nfa::thompson::{NFA, State, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::util::syntax;
use std::sync::OnceLock;

/// A regular expression as it is written, and compiled if it is valid and was needed.
#[derive(Debug)]
pub struct Pattern {
    source: Box<[u8]>,
    compiled: OnceLock<Option<Compiled>>,
}

#[derive(Debug)]
struct Compiled {
    regex: Regex,
    automaton: NFA,
}

impl Compiled {
    fn new(source: &[u8]) -> Option<Self> {
        let source = std::str::from_utf8(source).ok()?;
        // Checks the size, so it comes first.
        let regex = RegexBuilder::new(source).size_limit(MAX_PATTERN_BYTES).build().ok()?;
        let config = NFA::config().utf8(false).which_captures(WhichCaptures::None);
        let automaton =
            NFA::compiler().configure(config).syntax(syntax::Config::new().utf8(false)).build(source).ok()?;
        Some(Self { regex, automaton })
    }

    /// Steps that reading a string takes at most.
    fn work(&self, len: usize) -> usize {
        self.automaton.states().len().saturating_mul(len + 1)
    }
}

impl Pattern {
    #[must_use]
    pub fn new(source: &[u8]) -> Self {
        Self { source: source.into(), compiled: OnceLock::new() }
    }

    fn compiled(&self) -> Option<&Compiled> {
        self.compiled.get_or_init(|| Compiled::new(&self.source)).as_ref()
    }

    /// False once the expression turned out not to be one.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !matches!(self.compiled.get(), Some(None))
    }

    /// Whether it matches somewhere, if that is quickly told. Adds to `work` what it took.
    #[must_use]
    pub fn quickly(&self, string: &[u8], work: &mut usize) -> Option<bool> {
        let compiled = self.compiled.get()?.as_ref()?;
        let steps = compiled.work(string.len());
        (steps <= MAX_PATTERN_IN_LEAF).then(|| {
            *work += steps / STEPS;
            compiled.regex.is_match(string)
        })
    }

    /// Whether it matches somewhere; `None`: not known yet, and `search` is to be given again. Adds to `work` what it took.
    pub fn matches(&self, string: &[u8], search: &mut Option<Box<Search>>, work: &mut usize) -> Option<bool> {
        if self.compiled.get().is_none() {
            *work += self.compiled().map_or(0, |compiled| compiled.automaton.states().len() * COMPILING);
        }
        let Some(compiled) = self.compiled() else { return Some(false) };
        let steps = compiled.work(string.len());
        if steps <= MAX_PATTERN_AT_ONCE {
            *work += steps / STEPS;
            return Some(compiled.regex.is_match(string));
        }
        let running = search.get_or_insert_with(|| Box::new(Search::new(&compiled.automaton, string)));
        let found = running.advance(&compiled.automaton, string, work);
        if found.is_some() {
            *search = None;
        }
        found
    }
}

/// Compiling one state, as much work as so many elements.
const COMPILING: usize = 16;

/// Steps of a match at one go that are as much work as an element.
const STEPS: usize = 64;

/// Bytes that a search reads before it says that it knows nothing yet.
const PIECE: usize = 1024;

/// A search that has got to a place in a string.
pub struct Search {
    at: usize,
    /// The states that the automaton is in, and those that it gets into by the next byte.
    now: Vec<StateID>,
    next: Vec<StateID>,
    /// Where each state was got into last, counted from 1.
    places: Vec<usize>,
    /// States to be followed without reading.
    pending: Vec<StateID>,
    matched: bool,
}

impl Search {
    fn new(automaton: &NFA, string: &[u8]) -> Self {
        let mut search = Self {
            at: 0,
            now: Vec::new(),
            next: Vec::new(),
            places: vec![0; automaton.states().len()],
            pending: Vec::new(),
            matched: false,
        };
        let start = if automaton.is_always_start_anchored() {
            automaton.start_anchored()
        } else {
            automaton.start_unanchored()
        };
        search.enter(automaton, string, start, 0);
        std::mem::swap(&mut search.now, &mut search.next);
        search
    }

    /// Bytes that the search holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let states = self.now.capacity() + self.next.capacity() + self.pending.capacity();
        size_of::<Self>() + states * size_of::<StateID>() + self.places.capacity() * size_of::<usize>()
    }

    fn advance(&mut self, automaton: &NFA, string: &[u8], work: &mut usize) -> Option<bool> {
        let end = string.len().min(self.at + PIECE);
        let mut steps = 0;
        while !self.matched && self.at < end && !self.now.is_empty() {
            let byte = string[self.at];
            let now = std::mem::take(&mut self.now);
            steps += now.len();
            for &state in &now {
                let to = match automaton.state(state) {
                    State::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
                    State::Sparse(transitions) => transitions.matches_byte(byte),
                    State::Dense(transitions) => transitions.matches_byte(byte),
                    _ => None,
                };
                if let Some(to) = to {
                    steps += self.enter(automaton, string, to, self.at + 1);
                }
            }
            self.now = std::mem::replace(&mut self.next, now);
            self.next.clear();
            self.at += 1;
            if steps >= PIECE {
                break;
            }
        }
        *work += steps;
        match () {
            () if self.matched => Some(true),
            () if self.at == string.len() || self.now.is_empty() => Some(false),
            () => None,
        }
    }

    /// Gets into a state at a place, and into those that follow without reading; says how many.
    fn enter(&mut self, automaton: &NFA, string: &[u8], state: StateID, at: usize) -> usize {
        let mut steps = 0;
        self.pending.push(state);
        while let Some(state) = self.pending.pop() {
            steps += 1;
            let place = &mut self.places[state.as_usize()];
            if *place == at + 1 {
                continue;
            }
            *place = at + 1;
            match automaton.state(state) {
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => self.next.push(state),
                State::Look { look, next } => {
                    if automaton.look_matcher().matches(*look, string, at) {
                        self.pending.push(*next);
                    }
                }
                State::Union { alternates } => self.pending.extend_from_slice(alternates),
                State::BinaryUnion { alt1, alt2 } => self.pending.extend([*alt1, *alt2]),
                State::Capture { next, .. } => self.pending.push(*next),
                State::Fail => {}
                State::Match { .. } => self.matched = true,
            }
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the automaton reads it, whatever its length.
    fn in_pieces(pattern: &str, string: &[u8]) -> bool {
        let compiled = Compiled::new(pattern.as_bytes()).expect("a valid expression");
        let mut search = Search::new(&compiled.automaton, string);
        let mut work = 0;
        loop {
            if let Some(found) = search.advance(&compiled.automaton, string, &mut work) {
                assert!(work <= compiled.work(string.len()) * 4);
                return found;
            }
        }
    }

    #[test]
    fn reading_in_pieces_finds_the_same() {
        let patterns = [
            "",
            "a",
            "^a",
            "a$",
            "^a$",
            "^$",
            "a+b*c?",
            "(ab|cd)+e",
            "[a-c]{2,3}x",
            "(?i)AbC",
            r"\bcd\b",
            r"\Bb",
            r"(?m)^b.$",
            r"\d+\.\d+",
            r"^\w+$",
            r"^\pL+$",
            "(?s).e",
            ".e",
            "é+",
            r"(?-u:\xff)",
            r"\bé\b",
            "(a|b)*c|d$",
            "x*",
            "^(a*)*$",
        ];
        let strings: [&[u8]; 22] = [
            b"",
            b"a",
            b"b",
            b"ab",
            b"abc",
            b"cdab",
            b"ab cd e",
            b"abcde",
            b"cdabe",
            b"aaax",
            b"ABC",
            b"xabcx",
            b"1.5",
            b"a.b",
            b"b\nbx\na",
            "é".as_bytes(),
            "éé é".as_bytes(),
            "aéb".as_bytes(),
            b"\xff",
            b"a\xffe",
            b"ab\n",
            b"aaaaaaaaaaaaaaaaaab",
        ];
        for pattern in patterns {
            let regex = Regex::new(pattern).expect("a valid expression");
            for string in strings {
                assert_eq!(in_pieces(pattern, string), regex.is_match(string), "{pattern} {string:?}");
            }
            for len in [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
                let mut string = b"ab".repeat(len).split_off(len);
                assert_eq!(in_pieces(pattern, &string), regex.is_match(&string), "{pattern} of {len}");
                string.extend_from_slice(b" cd e");
                assert_eq!(
                    in_pieces(pattern, &string),
                    regex.is_match(&string),
                    "{pattern} of {len} and more"
                );
            }
        }
    }

    #[test]
    fn much_work_is_done_in_pieces() {
        let pattern = Pattern::new(b"^(a|b)*$");
        let string = b"ab".repeat(MAX_PATTERN_AT_ONCE);
        assert_eq!(pattern.quickly(&string, &mut 0), None);
        let (mut search, mut work, mut pieces) = (None, 0, 0);
        let found = loop {
            let before = work;
            if let Some(found) = pattern.matches(&string, &mut search, &mut work) {
                break found;
            }
            assert!(work - before <= 2 * PIECE + 1000, "{} for one piece", work - before);
            pieces += 1;
        };
        assert!(found && search.is_none());
        assert!(work >= string.len() && pieces >= string.len() / PIECE);
    }

    #[test]
    fn what_is_no_expression() {
        for source in [&b"("[..], b"\xff", b"a{100000}{1000}", b"(?=a)", br"(a)\1"] {
            let pattern = Pattern::new(source);
            assert_eq!(pattern.matches(b"a", &mut None, &mut 0), Some(false));
            assert!(!pattern.is_valid());
        }
        let pattern = Pattern::new(b"b");
        assert_eq!(pattern.quickly(b"abc", &mut 0), None, "not compiled yet");
        assert_eq!(pattern.matches(b"abc", &mut None, &mut 0), Some(true));
        assert_eq!(pattern.quickly(b"abc", &mut 0), Some(true));
        assert!(pattern.is_valid());
    }
}
