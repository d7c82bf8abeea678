//! Process ids: `{host|0x00001}`, and what the destination of a message may look like.

use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

/// Names one process of this node for ever: numbers are not used again.
#[derive(Clone, PartialEq, Eq)]
pub struct Pid {
    pub host: Arc<str>,
    pub number: u64,
}

/// The `from` of events that the runtime itself originates.
pub const EMPTY_PID: &str = "{|}";

/// A PID as text; those of usual hosts take no memory.
pub type PidText = SmallVec<[u8; 32]>;

impl Pid {
    /// As programs see it.
    #[must_use]
    pub fn text(&self) -> PidText {
        let digits = match self.number {
            ..=0xf_ffff => 5,
            0x10_0000..=0xff_ffff => 6,
            0x100_0000..=0xffff_ffff => 8,
            _ => 16,
        };
        // From the end, as `usual` reads it.
        let mut text = PidText::from_elem(b'}', self.host.len() + digits + 5);
        let mut rest = self.number;
        let (front, number) = text.split_at_mut(self.host.len() + 4);
        for digit in number[..digits].iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest & 15) as usize];
            rest >>= 4;
        }
        front[0] = b'{';
        front[1..=self.host.len()].copy_from_slice(self.host.as_bytes());
        front[self.host.len() + 1..].copy_from_slice(b"|0x");
        text
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text()))
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a destination says, before anybody asks whether that exists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Address<'a> {
    /// The parts of a PID; the number is none if it is no number.
    Pid { node: Option<&'a [u8]>, host: &'a [u8], number: Option<u64> },
    /// A registered name.
    Name(&'a [u8]),
}

impl<'a> Address<'a> {
    /// Reads a destination.
    #[must_use]
    pub fn parse(text: &'a [u8]) -> Self {
        let inside = text.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
        let Some(inside) = inside else { return Self::Name(text) };
        let Some(bar) = memchr::memchr(b'|', inside) else { return Self::Name(text) };
        let place = &inside[..bar];
        let last = memchr::memrchr(b'|', inside).unwrap_or(bar);
        let number = number(&inside[last + 1..]);
        match memchr::memchr(b'@', place) {
            Some(at) => Self::Pid { node: Some(&place[..at]), host: &place[at + 1..], number },
            None => Self::Pid { node: None, host: place, number },
        }
    }
}

/// Host and number of a PID in its usual form, read from the end; none if [`Address::parse`] has to decide.
#[inline]
#[must_use]
pub fn usual(text: &[u8]) -> Option<(&[u8], u64)> {
    let mut at = text.len().checked_sub(1)?;
    if text[at] != b'}' || text[0] != b'{' {
        return None;
    }
    let (mut number, mut shift) = (0, 0);
    loop {
        at = at.checked_sub(1)?;
        let value = match text[at] {
            digit @ b'0'..=b'9' => digit - b'0',
            digit @ b'a'..=b'f' => digit - b'a' + 10,
            b'x' => break,
            _ => return None,
        };
        if shift == 64 {
            return None;
        }
        number |= u64::from(value) << shift;
        shift += 4;
    }
    let host = text[1..at].strip_suffix(b"|0")?;
    (shift > 0).then_some((host, number))
}

fn number(text: &[u8]) -> Option<u64> {
    let digits = text.strip_prefix(b"0x")?;
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let mut number = 0;
    for &digit in digits {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return None,
        };
        number = number << 4 | u64::from(value);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_padded_in_steps() {
        let text = |number| Pid { host: "app:processes".into(), number }.to_string();
        assert_eq!(text(1), "{app:processes|0x00001}");
        assert_eq!(text(0x2a), "{app:processes|0x0002a}");
        assert_eq!(text(0xf_ffff), "{app:processes|0xfffff}");
        assert_eq!(text(0x10_0000), "{app:processes|0x100000}");
        assert_eq!(text(0x100_0000), "{app:processes|0x01000000}");
        assert_eq!(text(1 << 32), "{app:processes|0x0000000100000000}");
    }

    #[test]
    fn destinations() {
        let pid = |node, host, number| Address::Pid { node, host, number };
        assert_eq!(Address::parse(b"{a:b|0x0002a}"), pid(None, b"a:b", Some(42)));
        assert_eq!(Address::parse(b"{n@a:b|0x1}"), pid(Some(b"n"), b"a:b", Some(1)));
        assert_eq!(Address::parse(b"{n@m@h|x|0xff}"), pid(Some(b"n"), b"m@h", Some(255)));
        assert_eq!(Address::parse(b"{|}"), pid(None, b"", None));
        assert_eq!(Address::parse(b"{h|0x}"), pid(None, b"h", None));
        assert_eq!(Address::parse(b"{h|0xfffffffffffffffff}"), pid(None, b"h", None));
        for name in [&b"worker"[..], b"", b"{worker}", b"{a|b", b"a|0x1}"] {
            assert_eq!(Address::parse(name), Address::Name(name));
        }
    }

    #[test]
    fn what_is_no_usual_pid() {
        for text in
            [&b""[..], b"{", b"}", b"{}", b"{h|0x}", b"{h|x1}", b"{h|0x1", b"h|0x1}", b"{h|0xg}", b"{0x1}"]
        {
            assert_eq!(usual(text), None, "{text:?}");
        }
        assert_eq!(usual(b"{h|0xfffffffffffffffff}"), None);
    }

    #[test]
    fn a_pid_reads_as_it_is_written() {
        for number in [1, 0x12345, 0x123456, 0x1234567, u64::MAX] {
            let text = Pid { host: "h".into(), number }.to_string();
            let address = Address::Pid { node: None, host: b"h", number: Some(number) };
            assert_eq!(Address::parse(text.as_bytes()), address);
            assert_eq!(usual(text.as_bytes()), Some((&b"h"[..], number)));
        }
    }
}
