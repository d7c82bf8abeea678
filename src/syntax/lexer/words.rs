//! Words to symbols: names, and the keywords, which have the shape of names.
//!
//! 1. Equal words have equal symbols; the first ones belong to the words of `token::SOFT_WORDS` and `token::KEYWORDS`.
//! 2. A word of up to eight bytes is its own key, because none has a zero byte: to find it is one load, one
//!    multiplication and one comparison. A longer one has a hash for a key, and its bytes are compared.

use std::hash::{BuildHasher, Hasher};

/// The longest word that is its own key.
const SHORT: usize = 8;

/// Places at first: the words of the language and some more.
const FIRST_SIZE: usize = 256;

#[derive(Clone, Copy)]
struct Slot {
    key: u64,
    /// Of the word; 0 if the place is free.
    length: u32,
    symbol: u32,
}

const FREE: Slot = Slot { key: 0, length: 0, symbol: 0 };

/// An open table with linear probing; the words themselves are kept by the caller.
pub(super) struct Words {
    slots: Vec<Slot>,
    /// Brings the high bits of a product down to an index.
    shift: u32,
    /// Odd and not known to who writes the text, so that nobody can choose words that collide.
    factor: u64,
    hasher: foldhash::fast::RandomState,
}

impl Words {
    pub fn new() -> Self {
        let hasher = foldhash::fast::RandomState::default();
        let factor = hasher.hash_one(FIRST_SIZE) | 1;
        Self { slots: vec![FREE; FIRST_SIZE], shift: u64::BITS - FIRST_SIZE.trailing_zeros(), factor, hasher }
    }

    /// Memory of the table.
    pub fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }

    /// The symbol of the `length` bytes of `text` from `start` on if that is a short word met before, and the text does not
    /// end so soon behind it that eight bytes cannot be read.
    #[inline]
    pub fn find_short(&self, text: &[u8], start: usize, length: usize) -> Option<u32> {
        if length > SHORT || length == 0 {
            return None;
        }
        let bytes = text.get(start..)?.first_chunk::<SHORT>()?;
        let key = u64::from_le_bytes(*bytes) & (u64::MAX >> (u64::BITS as usize - 8 * length));
        self.find(key, length as u32, |_| true)
    }

    /// The symbol of `word`, the words so far being `words`. A new one is added to them.
    #[inline(never)]
    pub fn intern<'a>(&mut self, word: &'a [u8], words: &mut Vec<&'a [u8]>) -> u32 {
        let key = self.key(word);
        let length = word.len() as u32;
        let is_same = |symbol: u32| word.len() <= SHORT || words[symbol as usize] == word;
        if let Some(symbol) = self.find(key, length, is_same) {
            return symbol;
        }
        let symbol = words.len() as u32;
        words.push(word);
        if words.len() > self.slots.len() / 4 * 3 {
            self.grow();
        }
        self.put(Slot { key, length, symbol });
        symbol
    }

    fn key(&self, word: &[u8]) -> u64 {
        if word.len() > SHORT {
            let mut hasher = self.hasher.build_hasher();
            hasher.write(word);
            return hasher.finish();
        }
        let mut bytes = [0; SHORT];
        for (to, from) in bytes.iter_mut().zip(word) {
            *to = *from;
        }
        u64::from_le_bytes(bytes)
    }

    #[inline]
    fn first_place(&self, key: u64) -> usize {
        (key.wrapping_mul(self.factor) >> self.shift) as usize
    }

    #[inline]
    fn find(&self, key: u64, length: u32, is_same: impl Fn(u32) -> bool) -> Option<u32> {
        let mut at = self.first_place(key);
        loop {
            let slot = self.slots[at];
            if slot.key == key && slot.length == length && is_same(slot.symbol) {
                return Some(slot.symbol);
            }
            if slot.length == 0 {
                return None;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    fn put(&mut self, slot: Slot) {
        let mut at = self.first_place(slot.key);
        while self.slots[at].length != 0 {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = slot;
    }

    #[cold]
    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![FREE; size]);
        self.shift -= 1;
        for slot in old {
            if slot.length != 0 {
                self.put(slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_every_length_are_told_apart() {
        let text: Vec<u8> = b"abcdefghijklmnopqrstuvwxyz".repeat(40);
        let mut words = Words::new();
        let mut known = Vec::new();
        let mut symbols = Vec::new();
        for length in 1..=30 {
            for start in 0..26 {
                symbols.push((start, length, words.intern(&text[start..start + length], &mut known)));
            }
        }
        assert_eq!(known.len(), 30 * 26);
        for (start, length, symbol) in symbols {
            // The same bytes at another place.
            let again = &text[start + 26..start + 26 + length];
            assert_eq!(words.intern(again, &mut known), symbol);
            assert_eq!(known[symbol as usize], again);
            let found = words.find_short(&text, start + 52, length);
            assert_eq!(found, (length <= SHORT).then_some(symbol));
        }
        assert_eq!(known.len(), 30 * 26);
    }

    #[test]
    fn a_short_word_at_the_end_of_the_text_is_found_the_other_way() {
        let mut words = Words::new();
        let mut known = Vec::new();
        let symbol = words.intern(b"word", &mut known);
        assert_eq!(words.find_short(b"a word", 2, 4), None);
        assert_eq!(words.find_short(b"a word or ten", 2, 4), Some(symbol));
        assert_eq!(words.intern(b"word", &mut known), symbol);
        assert_eq!(words.find_short(b"other word", 0, 5), None);
    }

    #[test]
    fn words_with_one_beginning_do_not_meet() {
        let mut words = Words::new();
        let mut known = Vec::new();
        let texts: Vec<Vec<u8>> = (0..5000)
            .flat_map(|n| [format!("f{n}"), format!("longer_name_{n}")])
            .map(String::into_bytes)
            .collect();
        for (n, text) in texts.iter().enumerate() {
            assert_eq!(words.intern(text, &mut known), n as u32);
        }
        for (n, text) in texts.iter().enumerate() {
            assert_eq!(words.intern(text, &mut known), n as u32);
        }
    }
}
