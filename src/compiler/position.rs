//! Source positions: line look-up, and the token after an offset.
//!
//! The reference numbers an instruction by the line of the last token read when it was made. The compiler walks a tree,
//! so it keeps the offset of that token and asks here for lines and for the separators the tree does not store.

use memchr::memchr2_iter;

/// The source text with its line table.
pub(super) struct Source<'a> {
    pub text: &'a [u8],
    /// Offset of the first byte of each line.
    starts: Vec<u32>,
    /// Line found last (index into `starts`): the next question is mostly about the same one.
    last: usize,
    /// Where that line begins, and how long it is.
    from: u32,
    length: u32,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a [u8]) -> Self {
        let mut starts = vec![0];
        let mut skip = usize::MAX;
        for at in memchr2_iter(b'\n', b'\r', text) {
            if at == skip {
                continue;
            }
            // `\r\n` and `\n\r` are one line end, as in the reference.
            let pair =
                text.get(at + 1).is_some_and(|&next| (next == b'\n' || next == b'\r') && next != text[at]);
            if pair {
                skip = at + 1;
            }
            starts.push((at + 1 + usize::from(pair)) as u32);
        }
        Self { text, starts, last: 0, from: 0, length: 0 }
    }

    /// The line table without the text.
    pub fn pause(self) -> Source<'static> {
        Source { text: &[], starts: self.starts, last: self.last, from: self.from, length: self.length }
    }

    /// Line (from 1) of a byte offset.
    #[inline]
    pub fn line(&mut self, offset: u32) -> u32 {
        if offset.wrapping_sub(self.from) >= self.length {
            self.find_line(offset);
        }
        self.last as u32 + 1
    }

    #[inline(never)]
    fn find_line(&mut self, offset: u32) {
        let next = self.last + 1;
        let follows = self.starts.get(next).is_some_and(|&start| start <= offset)
            && self.starts.get(next + 1).is_none_or(|&start| offset < start);
        self.last = if follows { next } else { self.starts.partition_point(|&start| start <= offset) - 1 };
        self.from = self.starts[self.last];
        let end = self.starts.get(self.last + 1).copied().unwrap_or(u32::MAX);
        self.length = end - self.from;
    }

    /// Offset of the token at or after `from`: white space and comments are skipped.
    pub fn token(&self, from: u32) -> u32 {
        let mut at = (from as usize).min(self.text.len());
        loop {
            match self.text.get(at) {
                Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) => at += 1,
                Some(b'-') if self.text.get(at + 1) == Some(&b'-') => at = self.comment_end(at + 2),
                _ => return at as u32,
            }
        }
    }

    /// End of the comment whose text starts at `at`.
    fn comment_end(&self, at: usize) -> usize {
        if let Some(end) = self.long_bracket_end(at) {
            return end;
        }
        let rest = &self.text[at.min(self.text.len())..];
        rest.iter().position(|&b| b == b'\n' || b == b'\r').map_or(self.text.len(), |n| at + n)
    }

    /// End of the long bracket that opens at `at`, if one does.
    fn long_bracket_end(&self, at: usize) -> Option<usize> {
        let rest = self.text.get(at..)?.strip_prefix(b"[")?;
        let level = rest.iter().take_while(|&&b| b == b'=').count();
        if rest.get(level) != Some(&b'[') {
            return None;
        }
        let mut close = vec![b'='; level + 2];
        close[0] = b']';
        close[level + 1] = b']';
        let body = at + level + 2;
        let found = memchr::memmem::find(&self.text[body..], &close);
        Some(found.map_or(self.text.len(), |n| body + n + close.len()))
    }

    /// The byte at an offset.
    pub fn byte(&self, at: u32) -> Option<u8> {
        self.text.get(at as usize).copied()
    }

    /// End of the token that starts at `at`.
    pub fn token_end(&self, at: u32) -> u32 {
        let at = at as usize;
        let rest = &self.text[at.min(self.text.len())..];
        let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let Some(&first) = rest.first() else { return at as u32 };
        let len = match first {
            b'"' | b'\'' => {
                let mut n = 1;
                while n < rest.len() && rest[n] != first {
                    n += 1 + usize::from(rest[n] == b'\\');
                }
                (n + 1).min(rest.len())
            }
            b'[' if self.long_bracket_end(at).is_some() => {
                self.long_bracket_end(at).map_or(1, |end| end - at)
            }
            _ if first.is_ascii_digit() => {
                let hex = rest.starts_with(b"0x") || rest.starts_with(b"0X");
                let mut n = 1;
                while let Some(&b) = rest.get(n) {
                    let exponent = if hex {
                        matches!(rest[n - 1], b'p' | b'P')
                    } else {
                        matches!(rest[n - 1], b'e' | b'E')
                    };
                    if !(is_word(b) || b == b'.' || exponent && (b == b'+' || b == b'-')) {
                        break;
                    }
                    n += 1;
                }
                n
            }
            _ if is_word(first) => rest.iter().take_while(|&&b| is_word(b)).count(),
            _ => match rest {
                [b'.', b'.', b'.', ..] => 3,
                [b'.', b'.', ..]
                | [b'=' | b'~' | b'<' | b'>', b'=', ..]
                | [b'<', b'<', ..]
                | [b'>', b'>', ..]
                | [b'/', b'/', ..]
                | [b':', b':', ..] => 2,
                _ => 1,
            },
        };
        (at + len) as u32
    }

    /// The token at `at` as messages quote it.
    pub fn near(&self, at: u32) -> Vec<u8> {
        let end = self.token_end(at);
        if end == at {
            return b"<eof>".to_vec();
        }
        let mut out = vec![b'\''];
        out.extend_from_slice(&self.text[at as usize..end as usize]);
        out.push(b'\'');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let mut s = Source::new(b"a\nb\r\nc\n\rd\re\n\nf");
        let lines: Vec<u32> =
            b"abcdef".iter().map(|c| s.text.iter().position(|b| b == c).unwrap() as u32).collect();
        let lines: Vec<u32> = lines.into_iter().map(|at| s.line(at)).collect();
        assert_eq!(lines, [1, 2, 3, 4, 5, 7]);
        assert_eq!(s.line(0), 1);
    }

    #[test]
    fn tokens() {
        let s = Source::new(b"x --[==[ a ]] ]==] --b\n  ... 1e+5 'a\\'b' [[x]]");
        let dots = s.token(1);
        assert_eq!(s.near(dots), b"'...'");
        let number = s.token(dots + 3);
        assert_eq!(s.near(number), b"'1e+5'");
        let string = s.token(number + 4);
        assert_eq!(s.near(string), b"'\'a\\'b\''");
        let long = s.token(string + 6);
        assert_eq!(s.near(long), b"'[[x]]'");
        assert_eq!(s.near(s.token(long + 5)), b"<eof>");
    }
}
