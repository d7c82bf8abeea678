//! Line and source range of each instruction, as differences: some three bytes instead of twelve.
//!
//! 1. An instruction is up to three LEB128 numbers: twice the zigzag difference of the range's start to that of the instruction
//!    before, plus one if the line differs; then the zigzag difference of the lines, if it does; then the length of the range.
//! 2. A mark every [`INTERVAL`] instructions bounds what a look-up reads.
//! 3. Every sequence of lines and ranges is stored exactly, also one that no compiler makes.

use crate::diag::Span;

/// Where an instruction comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Origin {
    pub line: u32,
    /// For the excerpt under an uncaught error.
    pub span: Span,
}

/// Instructions from one mark to the next.
const INTERVAL: usize = 32;

/// Bytes of the longest form: three numbers of 33 and 32 bits.
const LONGEST: usize = 15;

/// What the differences after it count from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Mark {
    /// Index into `Origins::bytes`.
    at: u32,
    line: u32,
    start: u32,
}

/// The origins of a function's instructions; none when stripped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origins {
    count: u32,
    bytes: Box<[u8]>,
    /// Of instruction [`INTERVAL`], of the one as many behind it, and so on.
    marks: Box<[Mark]>,
}

impl Origins {
    /// Packs origins. What `buffer` has does not matter; a caller with many functions gives the same one each time.
    #[must_use]
    pub fn pack(origins: &[Origin], buffer: &mut Vec<u8>) -> Self {
        let mut marks = Vec::with_capacity(origins.len().saturating_sub(1) / INTERVAL);
        let mut at = 0;
        let mut last = Origin::default();
        for (index, chunk) in origins.chunks(INTERVAL).enumerate() {
            if index > 0 {
                marks.push(Mark { at: at as u32, line: last.line, start: last.span.start });
            }
            // Room for the longest forms, so that each byte is stored without a question whether there is.
            if buffer.len() < at + INTERVAL * LONGEST {
                buffer.resize(at + INTERVAL * LONGEST, 0);
            }
            for origin in chunk {
                let start = zigzag(origin.span.start.wrapping_sub(last.span.start));
                let length = origin.span.end.wrapping_sub(origin.span.start);
                let lines = zigzag(origin.line.wrapping_sub(last.line));
                last = *origin;
                let place: &mut [u8; LONGEST] =
                    buffer[at..].first_chunk_mut().expect("there is room for the chunk");
                let differs = usize::from(lines != 0);
                at += if start < 0x40 && lines < 0x80 && length < 0x80 {
                    place[0] = (start << 1) as u8 | differs as u8;
                    place[1] = lines as u8;
                    place[1 + differs] = length as u8;
                    2 + differs
                } else {
                    pack_one(place, start, lines, length)
                };
            }
        }
        Self { count: origins.len() as u32, bytes: buffer[..at].into(), marks: marks.into() }
    }

    /// Number of instructions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// True if nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Origin of an instruction.
    #[must_use]
    pub fn get(&self, pc: usize) -> Option<Origin> {
        if pc >= self.len() {
            return None;
        }
        let mut iter = self.iter();
        if let Some(mark) = (pc / INTERVAL).checked_sub(1).and_then(|index| self.marks.get(index)) {
            iter.rest = self.bytes.get(mark.at as usize..)?;
            iter.last = Origin { line: mark.line, span: Span::new(mark.start, mark.start) };
        }
        iter.nth(pc % INTERVAL)
    }

    /// All origins in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.bytes, last: Origin::default() }
    }

    /// Memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len() + size_of_val(&*self.marks)
    }
}

/// The origins of a function, one after the other.
pub struct Iter<'p> {
    rest: &'p [u8],
    last: Origin,
}

impl Iter<'_> {
    fn number(&mut self) -> Option<u64> {
        let mut n = 0;
        let mut shift = 0;
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(n);
            }
            shift += 7;
        }
    }
}

impl Iterator for Iter<'_> {
    type Item = Origin;

    fn next(&mut self) -> Option<Origin> {
        let head = self.number()?;
        let start = self.last.span.start.wrapping_add(unzigzag((head >> 1) as u32));
        let mut line = self.last.line;
        if head & 1 == 1 {
            line = line.wrapping_add(unzigzag(self.number()? as u32));
        }
        let length = self.number()? as u32;
        self.last = Origin { line, span: Span::new(start, start.wrapping_add(length)) };
        Some(self.last)
    }
}

impl<'p> IntoIterator for &'p Origins {
    type Item = Origin;
    type IntoIter = Iter<'p>;

    fn into_iter(self) -> Iter<'p> {
        self.iter()
    }
}

impl FromIterator<Origin> for Origins {
    fn from_iter<I: IntoIterator<Item = Origin>>(origins: I) -> Self {
        let origins: Vec<Origin> = origins.into_iter().collect();
        Self::pack(&origins, &mut Vec::new())
    }
}

/// What is not among the shortest forms. Gives the number of bytes.
#[inline(never)]
fn pack_one(place: &mut [u8; LONGEST], start: u32, lines: u32, length: u32) -> usize {
    let mut at = number(place, 0, u64::from(start) << 1 | u64::from(lines != 0));
    if lines != 0 {
        at = number(place, at, lines.into());
    }
    number(place, at, length.into())
}

/// Stores a number at `at`; gives where it ends.
#[inline]
fn number(place: &mut [u8; LONGEST], mut at: usize, mut n: u64) -> usize {
    while n >= 0x80 {
        place[at] = n as u8 | 0x80;
        at += 1;
        n >>= 7;
    }
    place[at] = n as u8;
    at + 1
}

/// A difference modulo 2³², so that small ones of either sign are small.
const fn zigzag(difference: u32) -> u32 {
    difference << 1 ^ (difference as i32 >> 31) as u32
}

const fn unzigzag(n: u32) -> u32 {
    n >> 1 ^ (n & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(line: u32, start: u32, end: u32) -> Origin {
        Origin { line, span: Span::new(start, end) }
    }

    #[test]
    fn extremes_come_back_exactly() {
        let numbers =
            [0, 1, 63, 64, 127, 128, 8191, 8192, u32::MAX / 2, u32::MAX / 2 + 1, u32::MAX - 1, u32::MAX];
        let mut origins = Vec::new();
        for (i, &a) in numbers.iter().enumerate() {
            for (j, &b) in numbers.iter().enumerate() {
                origins.push(origin(a, b, numbers[(i + j) % numbers.len()]));
            }
        }
        let packed = Origins::pack(&origins, &mut vec![1, 2, 3]);
        assert_eq!(packed.len(), origins.len());
        assert!(packed.iter().eq(origins.iter().copied()));
        for (pc, &expected) in origins.iter().enumerate() {
            assert_eq!(packed.get(pc), Some(expected), "instruction {pc}");
        }
        assert_eq!(packed.get(origins.len()), None);
        assert_eq!(packed.get(usize::MAX), None);
    }

    #[test]
    fn every_count_around_a_mark() {
        for count in [0, 1, INTERVAL - 1, INTERVAL, INTERVAL + 1, 3 * INTERVAL, 3 * INTERVAL + 1] {
            let origins: Vec<_> = (0..count as u32).map(|n| origin(n / 3 + 1, n * 4, n * 4 + 2)).collect();
            let packed: Origins = origins.iter().copied().collect();
            assert_eq!((packed.len(), packed.is_empty()), (count, count == 0));
            assert!((0..count).all(|pc| packed.get(pc) == Some(origins[pc])));
            assert!(packed.get(count).is_none() && packed.iter().count() == count);
        }
    }

    #[test]
    fn ordinary_code_takes_three_bytes() {
        let origins: Vec<_> = (0..320).map(|n| origin(n / 4, n * 7, n * 7 + 5)).collect();
        assert!(Origins::from_iter(origins).bytes() <= 320 * 3);
    }
}
