//! Source text: byte offsets to lines and columns, on demand.
//!
//! Lines break as in 5.3: `\n`, `\r`, and the pairs `\r\n` and `\n\r`, each pair as one break.

/// A source text with its line starts.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    text: &'a [u8],
    lines: LineTable,
}

/// Where each line of a text starts. Lines and columns are 1-based.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineTable {
    starts: Vec<u32>,
}

/// Calls `found` with the offset behind each line break.
fn each_break(text: &[u8], mut found: impl FnMut(usize)) {
    let mut paired = usize::MAX;
    for at in memchr::memchr2_iter(b'\n', b'\r', text) {
        if at == paired {
            paired = usize::MAX;
            continue;
        }
        let next = text.get(at + 1);
        let pair = matches!(next, Some(b'\n' | b'\r')) && next != text.get(at);
        if pair {
            paired = at + 1;
        }
        found(at + 1 + usize::from(pair));
    }
}

/// The 1-based line of one offset, by counting; use a [`LineTable`] for many.
#[must_use]
pub fn line_at(text: &[u8], offset: usize) -> u32 {
    let mut line = 1;
    each_break(text, |start| line += u32::from(start <= offset));
    line
}

impl LineTable {
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        let mut starts = vec![0];
        each_break(text, |start| starts.push(start as u32));
        Self { starts }
    }

    /// The line that holds `offset`; an offset past the end is on the last line.
    #[must_use]
    pub fn line(&self, offset: u32) -> u32 {
        self.starts.partition_point(|start| *start <= offset) as u32
    }

    /// Line and byte column of `offset`.
    #[must_use]
    pub fn line_column(&self, offset: u32) -> (u32, u32) {
        let line = self.line(offset);
        (line, offset - self.line_start(line) + 1)
    }

    /// Offset of the first byte of a line; 0 for a line that does not exist.
    #[must_use]
    pub fn line_start(&self, line: u32) -> u32 {
        self.starts.get((line as usize).wrapping_sub(1)).copied().unwrap_or(0)
    }

    /// How many lines there are; an empty text has one.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.starts.len() as u32
    }
}

impl<'a> Source<'a> {
    #[must_use]
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, lines: LineTable::new(text) }
    }

    #[must_use]
    pub const fn text(&self) -> &'a [u8] {
        self.text
    }

    #[must_use]
    pub const fn lines(&self) -> &LineTable {
        &self.lines
    }

    /// The bytes of a line without its break; empty for a line that does not exist.
    #[must_use]
    pub fn line_text(&self, line: u32) -> &'a [u8] {
        if line == 0 || line > self.lines.count() {
            return &[];
        }
        let rest = self.text.get(self.lines.line_start(line) as usize..).unwrap_or_default();
        let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_one_break() {
        let text = b"a\nb\r\nc\n\rd\re\n\nf\r\r\ng";
        let table = LineTable::new(text);
        let lines: Vec<_> = text
            .iter()
            .enumerate()
            .filter(|(_, b)| b.is_ascii_alphabetic())
            .map(|(at, _)| table.line(at as u32))
            .collect();
        assert_eq!(lines, [1, 2, 3, 4, 5, 7, 9]);
        for (at, byte) in text.iter().enumerate() {
            if byte.is_ascii_alphabetic() {
                assert_eq!(line_at(text, at), table.line(at as u32));
            }
        }
        assert_eq!(table.count(), 9);
    }

    #[test]
    fn columns_and_line_texts() {
        let source = Source::new(b"one\r\n  two\n");
        assert_eq!(source.lines().line_column(0), (1, 1));
        assert_eq!(source.lines().line_column(7), (2, 3));
        assert_eq!(source.lines().line_column(11), (3, 1));
        assert_eq!(source.line_text(1), b"one");
        assert_eq!(source.line_text(2), b"  two");
        assert_eq!(source.line_text(3), b"");
        assert_eq!(source.line_text(4), b"");
        assert_eq!(source.line_text(0), b"");
        assert_eq!(Source::new(b"").lines().count(), 1);
    }
}
