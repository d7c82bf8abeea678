//! `@pattern`: regular expressions, compiled when they are first needed, on strings of any length.
//!
//! Who keeps a compiled expression pays for it (`validate`): the pool, for all processes, as far as there is room beside the programs of
//! its types; otherwise the process.
//!
//! What is little work is left to `regex`, at one go. Otherwise the expression's automaton reads the string piece by piece, so
//! that a slice can end in between: each byte costs at most as many steps as the automaton has states.

use super::re2;
use crate::limits::{MAX_PATTERN_AT_ONCE, MAX_PATTERN_BYTES, MAX_PATTERN_CACHE, MAX_PATTERN_IN_LEAF};
use regex::bytes::{Regex, RegexBuilder};
use regex_automata::nfa::thompson::{NFA, State, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::util::syntax;
use std::sync::OnceLock;

/// A regular expression as it is written, and compiled if it was needed and the types' pool, or the owner of the program, keeps
/// it. `None`: it is no expression.
#[derive(Debug)]
pub struct Pattern {
    source: Box<[u8]>,
    compiled: OnceLock<Option<Compiled>>,
}

/// A regular expression that matches.
#[derive(Debug)]
pub struct Compiled {
    regex: Regex,
    automaton: NFA,
}

impl Compiled {
    /// Compiles an expression, if it is one. Adds to `work` what that took.
    fn new(source: &[u8], work: &mut usize) -> Option<Self> {
        let source = re2::translate(std::str::from_utf8(source).ok()?)?;
        *work += source.len();
        // Checks the size, so it comes first.
        let mut builder = RegexBuilder::new(&source);
        builder.size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_CACHE);
        let Ok(regex) = builder.build() else {
            *work += MAX_PATTERN_BYTES / BYTES_TRIED;
            return None;
        };
        let config = NFA::config().utf8(false).which_captures(WhichCaptures::None);
        let automaton = NFA::compiler()
            .configure(config)
            .syntax(syntax::Config::new().utf8(false))
            .build(&source)
            .ok()?;
        *work += automaton.states().len() * COMPILING;
        Some(Self { regex, automaton })
    }

    /// Memory that it takes, approximately, with what matching by one thread keeps: as measured with a counting allocator, nearly
    /// in proportion to the automaton, which is a sixth to an eighth of it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        FIXED_BYTES + 8 * self.automaton.memory_usage()
    }

    /// Whether it matches somewhere; `None`: not known yet, and `search` is to be given again. Adds to `work` what it took.
    pub fn matches(&self, string: &[u8], search: &mut Option<Box<Search>>, work: &mut usize) -> Option<bool> {
        let steps = self.work(string.len());
        if steps <= MAX_PATTERN_AT_ONCE {
            *work += steps / STEPS;
            return Some(self.regex.is_match(string));
        }
        let running = search.get_or_insert_with(|| Box::new(Search::new(&self.automaton, string)));
        let found = running.advance(&self.automaton, string, work);
        if found.is_some() {
            *search = None;
        }
        found
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

    /// What is kept: nothing yet, or the expression if it is one.
    #[must_use]
    pub fn kept(&self) -> Option<Option<&Compiled>> {
        self.compiled.get().map(Option::as_ref)
    }

    /// Compiles the expression; nothing if it is none, which is kept. Adds to `work` what that took.
    #[must_use]
    pub fn compile(&self, work: &mut usize) -> Option<Compiled> {
        let compiled = Compiled::new(&self.source, work);
        if compiled.is_none() {
            self.compiled.get_or_init(|| None);
        }
        compiled
    }

    /// Keeps the compiled expression.
    pub fn keep(&self, compiled: Compiled) -> Option<&Compiled> {
        self.compiled.get_or_init(|| Some(compiled)).as_ref()
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
}

/// Compiling one state, as much work as so many elements.
const COMPILING: usize = 32;

/// Bytes of an expression that turned out to be too large that were as much work as an element.
const BYTES_TRIED: usize = 16;

/// Memory of the smallest expressions.
const FIXED_BYTES: usize = 8 << 10;

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
        let compiled = Compiled::new(pattern.as_bytes(), &mut 0).expect("a valid expression");
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
            let same = re2::translate(pattern).expect("a valid expression");
            let regex = Regex::new(&same).expect("a valid expression");
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
        let compiled = pattern.compile(&mut 0).expect("a valid expression");
        let compiled = pattern.keep(compiled).expect("it was there");
        assert_eq!(pattern.quickly(&string, &mut 0), None);
        let (mut search, mut work, mut pieces) = (None, 0, 0);
        let found = loop {
            let before = work;
            if let Some(found) = compiled.matches(&string, &mut search, &mut work) {
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
        for source in [&b"("[..], b"\xff", b"(a{1000}){1000}", b"(?=a)", br"(a)\1"] {
            let pattern = Pattern::new(source);
            assert!(pattern.is_valid(), "nobody knows yet");
            assert!(pattern.compile(&mut 0).is_none());
            assert!(!pattern.is_valid() && matches!(pattern.kept(), Some(None)));
        }
        let pattern = Pattern::new(b"b");
        assert_eq!(pattern.quickly(b"abc", &mut 0), None, "not compiled yet");
        let compiled = pattern.compile(&mut 0).expect("a valid expression");
        assert_eq!(compiled.matches(b"abc", &mut None, &mut 0), Some(true));
        pattern.keep(compiled);
        assert_eq!(pattern.quickly(b"abc", &mut 0), Some(true));
        assert!(pattern.is_valid());
    }

    /// Compiling is paid for, also in vain.
    #[test]
    fn compiling_is_paid_for() {
        let work = |source: &[u8]| {
            let mut work = 0;
            let compiled = Pattern::new(source).compile(&mut work);
            (work, compiled.map(|compiled| compiled.bytes()))
        };
        let (small, bytes) = work(b"^[a-z]+$");
        assert!(small < 1_000 && bytes.is_some_and(|bytes| bytes < 16 << 10));
        let (large, bytes) = work(br"^\pL{7}$");
        assert!(large > 50_000 && bytes.is_some_and(|bytes| bytes > 500 << 10 && bytes < 2 << 20));
        let (too_large, none) = work(br"^\pL{1000}$");
        assert!(too_large > 50_000 && none.is_none());
    }
}
