//! The pattern matcher of Lua 5.3, with its choices on an explicit stack.
//!
//! 1. Nothing recurses: what the reference keeps in C frames is a [`Choice`] here, so a match can stop at any step and
//!    go on later. A [`Search`] is plain data; the subject and the pattern are handed in at every call and must be the
//!    same bytes each time.
//! 2. The stack never holds more than `MAX_MATCH_DEPTH - 1` choices: one choice stands for one nested call of the
//!    reference's `match`, whose limit raises "pattern too complex".
//! 3. A malformed part of a pattern is an error only when the match reaches it, as in the reference.
//! 4. Work is charged about one unit per byte looked at; scans that run at memory speed are charged per 16 bytes.

use std::fmt;

use memchr::{memchr, memmem};
use smallvec::SmallVec;

use super::class::{self, ByteSet};
use crate::limits::{MAX_CAPTURES, MAX_MATCH_DEPTH};
use crate::numfmt::ByteSink;

const ESCAPE: u8 = b'%';

/// Bytes scanned at memory speed between two looks at the budget.
const SCAN_CHUNK: usize = 1 << 16;

/// What is wrong with a pattern or a replacement; `Display` gives the words of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    TooComplex,
    EndsWithEscape,
    MissingBracket,
    MissingBalanceArguments,
    MissingFrontierSet,
    /// A `)` without `(`.
    InvalidCapture,
    /// `%n` where capture `n` does not exist or is still open.
    InvalidCaptureIndex(i32),
    UnfinishedCapture,
    TooManyCaptures,
    InvalidReplacementEscape,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooComplex => f.write_str("pattern too complex"),
            Self::EndsWithEscape => f.write_str("malformed pattern (ends with '%')"),
            Self::MissingBracket => f.write_str("malformed pattern (missing ']')"),
            Self::MissingBalanceArguments => f.write_str("malformed pattern (missing arguments to '%b')"),
            Self::MissingFrontierSet => f.write_str("missing '[' after '%f' in pattern"),
            Self::InvalidCapture => f.write_str("invalid pattern capture"),
            Self::InvalidCaptureIndex(n) => write!(f, "invalid capture index %{n}"),
            Self::UnfinishedCapture => f.write_str("unfinished capture"),
            Self::TooManyCaptures => f.write_str("too many captures"),
            Self::InvalidReplacementEscape => f.write_str("invalid use of '%' in replacement string"),
        }
    }
}

/// How far the search has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The match is `subject[start..end]`; its captures stand in the [`Search`].
    Matched {
        start: usize,
        end: usize,
    },
    Failed,
    /// Call again with a new budget, the same subject and the same pattern.
    OutOfBudget,
    Error(PatternError),
}

/// What one capture holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capture {
    /// `subject[start..end]`.
    Range { start: usize, end: usize },
    /// `()`: the offset from 0; Lua sees one more.
    Position(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CaptureState {
    Open,
    Position,
    Closed(usize),
}

#[derive(Clone, Copy, Debug)]
struct CaptureSlot {
    start: usize,
    state: CaptureState,
}

/// A point to come back to when what follows fails.
#[derive(Clone, Copy, Debug)]
enum Choice {
    /// `x?` that took a byte: try without it.
    Skip { s: usize, p: usize },
    /// `x*`, `x+`: give back bytes down to `low`.
    Greedy { low: usize, s: usize, p: usize },
    /// `x-`: take one more byte.
    Lazy { s: usize, p: usize, ep: usize },
    /// Forget a capture opened here.
    Open,
    /// Reopen a capture closed here.
    Close { level: u8 },
}

/// Where the machine goes on.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Between two start positions.
    Seek,
    Match {
        s: usize,
        p: usize,
    },
    /// In the run of a greedy item, which may give back bytes down to `low`.
    Expand {
        low: usize,
        s: usize,
        p: usize,
        ep: usize,
    },
    /// In the text of a `%b` item, `depth` pairs deep.
    Balance {
        s: usize,
        depth: usize,
        p: usize,
    },
    Fail,
    Finished,
}

/// How start positions that cannot match are passed over.
#[derive(Clone, Copy, Debug)]
enum Head {
    Anything,
    /// The pattern starts with this byte.
    Byte(u8),
    /// The whole pattern is literal bytes.
    Literal,
}

/// A search for successive matches of one pattern in one subject: `find`, `match`, `gmatch` and `gsub` alike.
#[derive(Clone, Debug)]
pub struct Search {
    state: State,
    /// The next (or current) start position.
    from: usize,
    /// Where the pattern proper starts: after an anchor.
    pattern_start: usize,
    anchored: bool,
    head: Head,
    /// An empty match where the last one ended is none (gmatch, gsub).
    last_end: Option<usize>,
    level: usize,
    captures: [CaptureSlot; MAX_CAPTURES],
    choices: SmallVec<[Choice; 16]>,
    sets: class::SetCache,
}

/// Whether the pattern is only literal bytes, so that `find` may do a plain search.
pub fn is_plain(pattern: &[u8]) -> bool {
    !pattern.iter().any(|&b| is_special(b))
}

fn is_special(b: u8) -> bool {
    matches!(b, b'^' | b'$' | b'*' | b'+' | b'?' | b'.' | b'(' | b'[' | b'%' | b'-')
}

/// The plain search of `find`.
pub fn find_plain(subject: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    memmem::find(&subject[from..], needle).map(|at| from + at)
}

fn is_repeat(b: Option<&u8>) -> bool {
    matches!(b, Some(b'*' | b'+' | b'?' | b'-'))
}

fn head_of(pattern: &[u8]) -> Head {
    if !pattern.is_empty() && !pattern.iter().any(|&b| is_special(b) || b == b')') {
        return Head::Literal;
    }
    // A repeat sign on its own (at the start of a pattern) is a literal byte.
    let (byte, next) = match pattern {
        [] | [b'(' | b')' | b'.' | b'[', ..] => return Head::Anything,
        [b'$'] => return Head::Anything,
        [ESCAPE, b, rest @ ..] if !b.is_ascii_alphanumeric() => (*b, rest.first()),
        [ESCAPE, ..] => return Head::Anything,
        [b, rest @ ..] => (*b, rest.first()),
    };
    match next {
        Some(b'*' | b'?' | b'-') => Head::Anything,
        _ => Head::Byte(byte),
    }
}

impl Search {
    /// For `find`, `match` and `gsub`: a leading `^` anchors. `from` is the offset of the first start position.
    pub fn new(pattern: &[u8], from: usize) -> Self {
        let anchored = pattern.first() == Some(&b'^');
        Self::build(pattern, from, usize::from(anchored), anchored)
    }

    /// For `gmatch`, where `^` is a byte like any other.
    pub fn unanchored(pattern: &[u8], from: usize) -> Self {
        Self::build(pattern, from, 0, false)
    }

    fn build(pattern: &[u8], from: usize, pattern_start: usize, anchored: bool) -> Self {
        Search {
            state: State::Seek,
            from,
            pattern_start,
            anchored,
            head: if anchored { Head::Anything } else { head_of(&pattern[pattern_start..]) },
            last_end: None,
            level: 0,
            captures: [CaptureSlot { start: 0, state: CaptureState::Open }; MAX_CAPTURES],
            choices: SmallVec::new(),
            sets: class::SetCache::default(),
        }
    }

    /// Bytes it holds outside of itself.
    pub fn outside(&self) -> usize {
        if self.choices.spilled() { self.choices.capacity() * size_of::<Choice>() } else { 0 }
    }

    /// Goes on to the next match. After `Matched` the next call looks for the one after it, never for an empty one
    /// where this one ended; after `Failed` it fails again.
    pub fn step(&mut self, subject: &[u8], pattern: &[u8], budget: &mut i64) -> Step {
        loop {
            if let State::Seek = self.state {
                if !self.seek(subject, pattern, budget) {
                    if let State::Finished = self.state {
                        return Step::Failed;
                    }
                    return Step::OutOfBudget;
                }
                self.level = 0;
                self.choices.clear();
                self.state = if let Head::Literal = self.head {
                    State::Match { s: self.from + pattern.len(), p: pattern.len() }
                } else {
                    State::Match { s: self.from, p: self.pattern_start }
                };
            }
            let start = self.from;
            match self.run(subject, pattern, budget) {
                Ok(Some(Some(end))) if self.last_end != Some(end) => {
                    self.from = end;
                    self.last_end = Some(end);
                    self.state = if self.anchored { State::Finished } else { State::Seek };
                    return Step::Matched { start, end };
                }
                Ok(Some(_)) => {
                    if self.anchored || start >= subject.len() {
                        self.state = State::Finished;
                        return Step::Failed;
                    }
                    self.from = start + 1;
                    self.state = State::Seek;
                }
                Ok(None) => return Step::OutOfBudget,
                Err(error) => {
                    self.state = State::Finished;
                    return Step::Error(error);
                }
            }
        }
    }

    /// Moves `from` to the next position where a match may start. False when there is none (the search is then
    /// finished) or the budget has ended.
    fn seek(&mut self, subject: &[u8], pattern: &[u8], budget: &mut i64) -> bool {
        loop {
            if *budget <= 0 {
                return false;
            }
            *budget -= 1;
            let byte = match self.head {
                Head::Anything => return true,
                Head::Byte(byte) => byte,
                Head::Literal => pattern[0],
            };
            let Some(rest) = subject.get(self.from..).filter(|rest| !rest.is_empty()) else {
                self.state = State::Finished;
                return false;
            };
            let window = &rest[..rest.len().min(SCAN_CHUNK)];
            let found = match self.head {
                Head::Literal if pattern.len() > 1 => {
                    // The window reaches over its end by one needle less a byte, so no occurrence is cut.
                    let reach = rest.len().min(window.len() + pattern.len() - 1);
                    memmem::find(&rest[..reach], pattern)
                }
                _ => memchr(byte, window),
            };
            *budget -= (found.unwrap_or(window.len()) / 16) as i64;
            match found {
                Some(at) => {
                    self.from += at;
                    return true;
                }
                None => self.from += window.len(),
            }
        }
    }

    /// Runs the machine. `Some(Some(end))`: matched; `Some(None)`: no match from this start; `None`: out of budget.
    fn run(
        &mut self,
        subject: &[u8],
        pattern: &[u8],
        budget: &mut i64,
    ) -> Result<Option<Option<usize>>, PatternError> {
        loop {
            match self.state {
                State::Match { s, p } => {
                    if *budget <= 0 {
                        return Ok(None);
                    }
                    if let Some(end) = self.advance(subject, pattern, s, p, budget)? {
                        return Ok(Some(Some(end)));
                    }
                }
                State::Expand { low, s, p, ep } => {
                    if *budget <= 0 {
                        return Ok(None);
                    }
                    self.expand(subject, pattern, low, s, p, ep, budget)?;
                }
                State::Balance { s, depth, p } => {
                    if *budget <= 0 {
                        return Ok(None);
                    }
                    self.balance(subject, pattern, s, depth, p, budget);
                }
                State::Fail => {
                    if *budget <= 0 {
                        return Ok(None);
                    }
                    *budget -= 1;
                    if !self.backtrack(subject, pattern, budget)? {
                        return Ok(Some(None));
                    }
                }
                State::Seek | State::Finished => return Ok(Some(None)),
            }
        }
    }

    fn push(&mut self, choice: Choice) -> Result<(), PatternError> {
        // The match itself is one level of the reference's recursion.
        if self.choices.len() + 1 >= MAX_MATCH_DEPTH {
            return Err(PatternError::TooComplex);
        }
        self.choices.push(choice);
        Ok(())
    }

    /// Matches on from `s` and `p` until something must be chosen, fails, or the pattern ends (`Some(end)`).
    fn advance(
        &mut self,
        subject: &[u8],
        pattern: &[u8],
        mut s: usize,
        mut p: usize,
        budget: &mut i64,
    ) -> Result<Option<usize>, PatternError> {
        loop {
            let Some(&first) = pattern.get(p) else { return Ok(Some(s)) };
            if *budget <= 0 {
                self.state = State::Match { s, p };
                return Ok(None);
            }
            *budget -= 1;
            match first {
                b'(' => {
                    let position = pattern.get(p + 1) == Some(&b')');
                    if self.level >= MAX_CAPTURES {
                        return Err(PatternError::TooManyCaptures);
                    }
                    let state = if position { CaptureState::Position } else { CaptureState::Open };
                    self.captures[self.level] = CaptureSlot { start: s, state };
                    self.level += 1;
                    self.push(Choice::Open)?;
                    p += if position { 2 } else { 1 };
                    continue;
                }
                b')' => {
                    let level = (0..self.level)
                        .rev()
                        .find(|&l| self.captures[l].state == CaptureState::Open)
                        .ok_or(PatternError::InvalidCapture)?;
                    self.captures[level].state = CaptureState::Closed(s);
                    self.push(Choice::Close { level: level as u8 })?;
                    p += 1;
                    continue;
                }
                b'$' if p + 1 == pattern.len() => {
                    if s == subject.len() {
                        return Ok(Some(s));
                    }
                    self.state = State::Fail;
                    return Ok(None);
                }
                ESCAPE => match pattern.get(p + 1) {
                    Some(b'b') => {
                        if p + 3 >= pattern.len() {
                            return Err(PatternError::MissingBalanceArguments);
                        }
                        self.state = if subject.get(s) == Some(&pattern[p + 2]) {
                            State::Balance { s: s + 1, depth: 1, p }
                        } else {
                            State::Fail
                        };
                        return Ok(None);
                    }
                    Some(b'f') => {
                        p += 2;
                        if pattern.get(p) != Some(&b'[') {
                            return Err(PatternError::MissingFrontierSet);
                        }
                        let ep = item_end(pattern, p)?;
                        let previous = if s == 0 { 0 } else { subject[s - 1] };
                        let next = subject.get(s).copied().unwrap_or(0);
                        let set = self.sets.get(pattern, p, ep);
                        if set.contains(previous) || !set.contains(next) {
                            self.state = State::Fail;
                            return Ok(None);
                        }
                        p = ep;
                        continue;
                    }
                    Some(&digit @ b'0'..=b'9') => {
                        let Some(len) = self.back_reference(subject, s, digit, budget)? else {
                            self.state = State::Fail;
                            return Ok(None);
                        };
                        s += len;
                        p += 2;
                        continue;
                    }
                    _ => {}
                },
                _ => {}
            }
            let ep = item_end(pattern, p)?;
            let repeat = pattern.get(ep).copied().unwrap_or(0);
            let matched = match subject.get(s) {
                Some(&byte) => self.single(pattern, p, ep, byte),
                None => false,
            };
            match repeat {
                b'?' => {
                    if matched {
                        self.push(Choice::Skip { s, p: ep + 1 })?;
                        s += 1;
                    }
                    p = ep + 1;
                }
                b'*' | b'-' if !matched => p = ep + 1,
                b'+' | b'*' if matched => {
                    let low = if repeat == b'+' { s + 1 } else { s };
                    self.state = State::Expand { low, s: s + 1, p, ep };
                    return Ok(None);
                }
                b'-' => {
                    self.push(Choice::Lazy { s, p, ep })?;
                    p = ep + 1;
                }
                _ if matched => {
                    s += 1;
                    p = ep;
                }
                _ => {
                    self.state = State::Fail;
                    return Ok(None);
                }
            }
        }
    }

    /// Whether the single-byte item `pattern[p..ep]` takes `byte`.
    fn single(&mut self, pattern: &[u8], p: usize, ep: usize, byte: u8) -> bool {
        match pattern[p] {
            b'.' => true,
            ESCAPE => class::matches_class(pattern[p + 1], byte),
            b'[' => self.sets.get(pattern, p, ep).contains(byte),
            literal => literal == byte,
        }
    }

    /// Lets a greedy item take all it can, then goes on behind it with a choice to give back.
    #[allow(clippy::too_many_arguments)] // the fields of one state
    fn expand(
        &mut self,
        subject: &[u8],
        pattern: &[u8],
        low: usize,
        s: usize,
        p: usize,
        ep: usize,
        budget: &mut i64,
    ) -> Result<(), PatternError> {
        let rest = &subject[s..];
        let affordable = (*budget).max(1) as usize;
        let (taken, limit) = match pattern[p] {
            b'.' => {
                *budget -= 1;
                (rest.len(), rest.len())
            }
            first => {
                let window = &rest[..rest.len().min(affordable)];
                let taken = match first {
                    ESCAPE if pattern[p + 1].is_ascii_alphabetic() => {
                        let set = class::class_set(pattern[p + 1]);
                        run_of(window, &set)
                    }
                    b'[' => {
                        let set = *self.sets.get(pattern, p, ep);
                        run_of(window, &set)
                    }
                    _ => {
                        let literal = if first == ESCAPE { pattern[p + 1] } else { first };
                        window.iter().position(|&b| b != literal).unwrap_or(window.len())
                    }
                };
                *budget -= taken as i64;
                (taken, window.len())
            }
        };
        let s = s + taken;
        if taken == limit && s < subject.len() {
            self.state = State::Expand { low, s, p, ep };
            return Ok(());
        }
        self.push(Choice::Greedy { low, s, p: ep + 1 })?;
        self.state = State::Match { s, p: ep + 1 };
        Ok(())
    }

    /// `%bxy`: looks for the `y` that closes the first `x`.
    fn balance(
        &mut self,
        subject: &[u8],
        pattern: &[u8],
        s: usize,
        mut depth: usize,
        p: usize,
        budget: &mut i64,
    ) {
        let (open, close) = (pattern[p + 2], pattern[p + 3]);
        let affordable = (*budget).max(1) as usize;
        let window = &subject[s..subject.len().min(s.saturating_add(affordable))];
        for (i, &byte) in window.iter().enumerate() {
            if byte == close {
                depth -= 1;
                if depth == 0 {
                    *budget -= i as i64 + 1;
                    self.state = State::Match { s: s + i + 1, p: p + 4 };
                    return;
                }
            } else if byte == open {
                depth += 1;
            }
        }
        *budget -= window.len() as i64;
        let s = s + window.len();
        self.state = if s < subject.len() { State::Balance { s, depth, p } } else { State::Fail };
    }

    fn back_reference(
        &self,
        subject: &[u8],
        s: usize,
        digit: u8,
        budget: &mut i64,
    ) -> Result<Option<usize>, PatternError> {
        let index = i32::from(digit) - i32::from(b'1');
        let slot = usize::try_from(index).ok().filter(|&i| i < self.level).map(|i| self.captures[i]);
        let slot = slot.ok_or(PatternError::InvalidCaptureIndex(index + 1))?;
        let end = match slot.state {
            CaptureState::Open => return Err(PatternError::InvalidCaptureIndex(index + 1)),
            // As 5.3: a position capture has no length that could ever fit.
            CaptureState::Position => return Ok(None),
            CaptureState::Closed(end) => end,
        };
        let text = &subject[slot.start..end];
        *budget -= (text.len() / 16) as i64;
        Ok(subject[s..].starts_with(text).then_some(text.len()))
    }

    /// Takes the newest choice that has something left to try. False: there is none.
    fn backtrack(&mut self, subject: &[u8], pattern: &[u8], budget: &mut i64) -> Result<bool, PatternError> {
        while let Some(top) = self.choices.last().copied() {
            match top {
                Choice::Skip { s, p } => {
                    self.choices.pop();
                    self.state = State::Match { s, p };
                    return Ok(true);
                }
                Choice::Greedy { low, s, p } => {
                    // Where a literal byte must follow, only the places of that byte are worth trying.
                    let next = match literal_at(pattern, p) {
                        Some(byte) => {
                            let floor = low.max(s.saturating_sub(SCAN_CHUNK));
                            let found = memchr::memrchr(byte, &subject[floor..s]).map(|at| floor + at);
                            *budget -= ((s - found.unwrap_or(floor)) / 16) as i64;
                            match found {
                                None if floor > low => {
                                    self.replace(Choice::Greedy { low, s: floor, p });
                                    self.state = State::Fail;
                                    return Ok(true);
                                }
                                found => found,
                            }
                        }
                        None => (s > low).then(|| s - 1),
                    };
                    match next {
                        Some(s) => {
                            self.replace(Choice::Greedy { low, s, p });
                            self.state = State::Match { s, p };
                            return Ok(true);
                        }
                        None => {
                            self.choices.pop();
                        }
                    }
                }
                Choice::Lazy { s, p, ep } => {
                    let taken = match subject.get(s) {
                        Some(&byte) => self.single(pattern, p, ep, byte),
                        None => false,
                    };
                    if taken {
                        let mut s = s + 1;
                        if pattern[p] == b'.'
                            && let Some(byte) = literal_at(pattern, ep + 1)
                        {
                            let window = &subject[s..subject.len().min(s.saturating_add(SCAN_CHUNK))];
                            let skipped = memchr(byte, window).unwrap_or(window.len());
                            *budget -= (skipped / 16) as i64;
                            s += skipped;
                        }
                        self.replace(Choice::Lazy { s, p, ep });
                        self.state = State::Match { s, p: ep + 1 };
                        return Ok(true);
                    }
                    self.choices.pop();
                }
                Choice::Open => {
                    self.level -= 1;
                    self.choices.pop();
                }
                Choice::Close { level } => {
                    self.captures[usize::from(level)].state = CaptureState::Open;
                    self.choices.pop();
                }
            }
        }
        Ok(false)
    }

    fn replace(&mut self, choice: Choice) {
        *self.choices.last_mut().expect("the choice being taken is on the stack") = choice;
    }

    /// Captures of the last match, not counting the whole match.
    pub fn capture_count(&self) -> usize {
        self.level
    }

    /// How many values the match gives: its captures, or the whole match when it has none.
    pub fn value_count(&self) -> usize {
        self.level.max(1)
    }

    /// Capture `index` (from 0) of the match `start..end`; the whole match stands for the first if there are none.
    pub fn capture(&self, index: usize, start: usize, end: usize) -> Result<Capture, PatternError> {
        if index >= self.level {
            return if index == 0 {
                Ok(Capture::Range { start, end })
            } else {
                Err(PatternError::InvalidCaptureIndex(index as i32 + 1))
            };
        }
        let slot = self.captures[index];
        match slot.state {
            CaptureState::Open => Err(PatternError::UnfinishedCapture),
            CaptureState::Position => Ok(Capture::Position(slot.start)),
            CaptureState::Closed(end) => Ok(Capture::Range { start: slot.start, end }),
        }
    }

    /// Appends the replacement string of `gsub` for the match `start..end`.
    pub fn expand_replacement(
        &self,
        out: &mut impl ByteSink,
        replacement: &[u8],
        subject: &[u8],
        start: usize,
        end: usize,
    ) -> Result<(), PatternError> {
        let mut rest = replacement;
        while let Some(at) = memchr(ESCAPE, rest) {
            out.put(&rest[..at]);
            match rest.get(at + 1) {
                Some(&ESCAPE) => out.put(b"%"),
                Some(b'0') => out.put(&subject[start..end]),
                Some(digit @ b'1'..=b'9') => match self.capture(usize::from(digit - b'1'), start, end) {
                    Ok(Capture::Range { start, end }) => out.put(&subject[start..end]),
                    Ok(Capture::Position(at)) => out.put(&crate::numfmt::integer_text(at as i64 + 1)),
                    Err(error) => return Err(error),
                },
                _ => return Err(PatternError::InvalidReplacementEscape),
            }
            rest = &rest[at + 2..];
        }
        out.put(rest);
        Ok(())
    }
}

fn run_of(window: &[u8], set: &ByteSet) -> usize {
    window.iter().position(|&b| !set.contains(b)).unwrap_or(window.len())
}

/// The byte that must come next at `p`, when a plain literal without a repeat sign stands there.
fn literal_at(pattern: &[u8], p: usize) -> Option<u8> {
    let &byte = pattern.get(p)?;
    let plain = !matches!(byte, b'(' | b')' | b'.' | b'[' | b'%' | b'$');
    (plain && !is_repeat(pattern.get(p + 1))).then_some(byte)
}

/// The end of the single-byte item that starts at `p`.
fn item_end(pattern: &[u8], p: usize) -> Result<usize, PatternError> {
    match pattern[p] {
        ESCAPE if p + 1 >= pattern.len() => Err(PatternError::EndsWithEscape),
        ESCAPE => Ok(p + 2),
        b'[' => {
            let mut at = p + 1;
            if pattern.get(at) == Some(&b'^') {
                at += 1;
            }
            // The first byte of a set is never its end.
            loop {
                let byte = *pattern.get(at).ok_or(PatternError::MissingBracket)?;
                at += 1;
                if byte == ESCAPE && at < pattern.len() {
                    at += 1;
                }
                if pattern.get(at) == Some(&b']') {
                    return Ok(at + 1);
                }
            }
        }
        _ => Ok(p + 1),
    }
}

#[cfg(test)]
mod tests;
