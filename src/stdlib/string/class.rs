//! Character classes and sets of patterns as bitmaps over the 256 bytes, in the "C" locale.

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteSet([u64; 4]);

impl ByteSet {
    pub const fn contains(&self, byte: u8) -> bool {
        self.0[(byte >> 6) as usize] >> (byte & 63) & 1 != 0
    }

    const fn insert(&mut self, byte: u8) {
        self.0[(byte >> 6) as usize] |= 1 << (byte & 63);
    }

    const fn insert_range(&mut self, low: u8, high: u8) {
        let mut byte = low as u16;
        while byte <= high as u16 {
            self.insert(byte as u8);
            byte += 1;
        }
    }

    const fn complement(self) -> Self {
        let [a, b, c, d] = self.0;
        ByteSet([!a, !b, !c, !d])
    }

    fn unite(&mut self, other: &ByteSet) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine |= theirs;
        }
    }
}

const fn in_class(class: u8, byte: u8) -> bool {
    match class {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'g' => byte.is_ascii_graphic(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        // Unlike Rust's white space, C's has the vertical tab.
        b's' => matches!(byte, b' ' | 9..=13),
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        // Deprecated since 5.2, and still there.
        b'z' => byte == 0,
        _ => false,
    }
}

const fn is_class(letter: u8) -> bool {
    matches!(
        letter.to_ascii_lowercase(),
        b'a' | b'c' | b'd' | b'g' | b'l' | b'p' | b's' | b'u' | b'w' | b'x' | b'z'
    )
}

/// What `%x` means for every byte `x`: a class, its complement, or that byte.
static CLASSES: [ByteSet; 256] = {
    let mut table = [ByteSet([0; 4]); 256];
    let mut letter = 0;
    while letter < 256 {
        let mut set = ByteSet([0; 4]);
        let name = letter as u8;
        if is_class(name) {
            let mut byte = 0;
            while byte < 256 {
                if in_class(name.to_ascii_lowercase(), byte as u8) {
                    set.insert(byte as u8);
                }
                byte += 1;
            }
            if name.is_ascii_uppercase() {
                set = set.complement();
            }
        } else {
            set.insert(name);
        }
        table[letter] = set;
        letter += 1;
    }
    table
};

/// The bytes `%letter` takes.
pub fn class_set(letter: u8) -> ByteSet {
    CLASSES[usize::from(letter)]
}

pub fn matches_class(letter: u8, byte: u8) -> bool {
    CLASSES[usize::from(letter)].contains(byte)
}

/// The set written `pattern[p..ep]`, brackets included.
fn read_set(pattern: &[u8], p: usize, ep: usize) -> ByteSet {
    let last = ep - 1;
    let mut set = ByteSet::default();
    let mut at = p + 1;
    let negated = pattern[at] == b'^';
    if negated {
        at += 1;
    }
    while at < last {
        if pattern[at] == b'%' {
            set.unite(&CLASSES[usize::from(pattern[at + 1])]);
            at += 2;
        } else if pattern[at + 1] == b'-' && at + 2 < last {
            set.insert_range(pattern[at], pattern[at + 2]);
            at += 3;
        } else {
            set.insert(pattern[at]);
            at += 1;
        }
    }
    if negated { set.complement() } else { set }
}

/// The sets of one pattern used last, so that a set is read once and not at every byte.
#[derive(Clone, Debug)]
pub struct SetCache {
    entries: [(usize, ByteSet); 4],
    oldest: u8,
}

impl Default for SetCache {
    fn default() -> Self {
        SetCache { entries: [(usize::MAX, ByteSet::default()); 4], oldest: 0 }
    }
}

impl SetCache {
    /// The set at `pattern[p..ep]`. The cache must only ever see one pattern.
    pub fn get(&mut self, pattern: &[u8], p: usize, ep: usize) -> &ByteSet {
        let slot = match self.entries.iter().position(|entry| entry.0 == p) {
            Some(slot) => slot,
            None => {
                let slot = usize::from(self.oldest);
                self.oldest = (self.oldest + 1) % 4;
                self.entries[slot] = (p, read_set(pattern, p, ep));
                slot
            }
        };
        &self.entries[slot].1
    }
}
