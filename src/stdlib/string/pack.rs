//! Binary packing: the options of `string.pack`, `unpack` and `packsize`, and the bytes of each item.
//!
//! The format ends at its first zero byte, as the C string it is in the reference. Sizes and limits are those of a 64-bit
//! machine with native little-endian order: `!` alone aligns to 8, `l` `j` `T` take 8 bytes.

use std::fmt;
use std::ops::Range;

use crate::limits::MAX_PACK_INT_SIZE;
use crate::numfmt::ByteSink;

/// Bytes of a Lua integer.
const INTEGER_SIZE: usize = 8;

/// The reference keeps sizes in a C `int`.
const LARGEST_SIZE: usize = i32::MAX as usize;

const NATIVE_LITTLE: bool = cfg!(target_endian = "little");
const NATIVE_ALIGN: usize = 8;

/// What is wrong with a format, a value or the data; `Display` gives the words of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackError {
    IntSize(i32),
    MissingCharSize,
    InvalidOption(u8),
    InvalidNext,
    AlignNotPowerOfTwo,
    IntegerOverflow,
    UnsignedOverflow,
    LongerThanSize,
    LengthDoesNotFit,
    ContainsZeros,
    ResultTooLarge,
    VariableLength,
    DataTooShort,
    DoesNotFitInteger(usize),
    InitialPosition,
}

/// Which argument an error names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// A plain error.
    None,
    /// The value being packed.
    Value,
    /// The argument of this number.
    Argument(u8),
}

impl PackError {
    pub fn blame(self) -> Blame {
        match self {
            Self::IntSize(_)
            | Self::MissingCharSize
            | Self::InvalidOption(_)
            | Self::DoesNotFitInteger(_) => Blame::None,
            Self::InvalidNext | Self::AlignNotPowerOfTwo | Self::ResultTooLarge | Self::VariableLength => {
                Blame::Argument(1)
            }
            Self::IntegerOverflow
            | Self::UnsignedOverflow
            | Self::LongerThanSize
            | Self::LengthDoesNotFit
            | Self::ContainsZeros => Blame::Value,
            Self::DataTooShort => Blame::Argument(2),
            Self::InitialPosition => Blame::Argument(3),
        }
    }

    /// The message as bytes: the letter of an invalid option may be any byte.
    pub fn write(self, out: &mut impl ByteSink) {
        if let Self::InvalidOption(letter) = self {
            out.put(b"invalid format option '");
            super::format::put_letter(out, letter);
            out.put(b"'");
        } else {
            out.put(self.to_string().as_bytes());
        }
    }
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IntSize(n) => write!(f, "integral size ({n}) out of limits [1,{MAX_PACK_INT_SIZE}]"),
            Self::MissingCharSize => f.write_str("missing size for format option 'c'"),
            Self::InvalidOption(letter) => write!(f, "invalid format option '{}'", char::from(*letter)),
            Self::InvalidNext => f.write_str("invalid next option for option 'X'"),
            Self::AlignNotPowerOfTwo => f.write_str("format asks for alignment not power of 2"),
            Self::IntegerOverflow => f.write_str("integer overflow"),
            Self::UnsignedOverflow => f.write_str("unsigned overflow"),
            Self::LongerThanSize => f.write_str("string longer than given size"),
            Self::LengthDoesNotFit => f.write_str("string length does not fit in given size"),
            Self::ContainsZeros => f.write_str("string contains zeros"),
            Self::ResultTooLarge => f.write_str("format result too large"),
            Self::VariableLength => f.write_str("variable-length format"),
            Self::DataTooShort => f.write_str("data string too short"),
            Self::DoesNotFitInteger(n) => write!(f, "{n}-byte integer does not fit into Lua Integer"),
            Self::InitialPosition => f.write_str("initial position out of string"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Int,
    Uint,
    Float,
    /// `cN`: exactly N bytes.
    Char,
    /// `sN`: a length of N bytes, then the bytes.
    Str,
    /// `z`: bytes up to a zero.
    Zero,
    /// `x`: one byte of padding.
    Padding,
    /// `X`: only the alignment of the option after it.
    Align,
    /// Spaces and settings.
    Nothing,
}

impl Kind {
    /// Whether the option takes a value (in `pack`) or gives one (in `unpack`).
    pub fn has_value(self) -> bool {
        !matches!(self, Kind::Padding | Kind::Align | Kind::Nothing)
    }
}

/// One option with all that depends on what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    pub kind: Kind,
    /// Bytes of the item itself (of the length, for `Str`).
    pub size: usize,
    /// Padding before it.
    pub align: usize,
    pub little: bool,
}

/// Reads a format option by option; plain data, so that a long `pack` can stop between two.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    at: usize,
    little: bool,
    max_align: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { at: 0, little: NATIVE_LITTLE, max_align: 1 }
    }
}

impl Options {
    /// The next option; `total` is the number of bytes before it.
    pub fn next(&mut self, format: &[u8], total: usize) -> Result<Option<Item>, PackError> {
        if self.peek(format) == 0 {
            return Ok(None);
        }
        let (kind, size) = self.read(format)?;
        let mut align = size;
        if kind == Kind::Align {
            if self.peek(format) == 0 {
                return Err(PackError::InvalidNext);
            }
            let (next, next_size) = self.read(format)?;
            if next == Kind::Char || next_size == 0 {
                return Err(PackError::InvalidNext);
            }
            align = next_size;
        }
        let padding = if align <= 1 || kind == Kind::Char {
            0
        } else {
            align = align.min(self.max_align);
            if !align.is_power_of_two() {
                return Err(PackError::AlignNotPowerOfTwo);
            }
            total.wrapping_neg() & (align - 1)
        };
        Ok(Some(Item { kind, size, align: padding, little: self.little }))
    }

    fn peek(&self, format: &[u8]) -> u8 {
        format.get(self.at).copied().unwrap_or(0)
    }

    fn number(&mut self, format: &[u8]) -> Option<i32> {
        if !self.peek(format).is_ascii_digit() {
            return None;
        }
        let mut value = 0;
        loop {
            value = value * 10 + i32::from(self.peek(format) - b'0');
            self.at += 1;
            if !self.peek(format).is_ascii_digit() || value > (i32::MAX - 9) / 10 {
                return Some(value);
            }
        }
    }

    fn int_size(&mut self, format: &[u8], default: usize) -> Result<usize, PackError> {
        match self.number(format) {
            None => Ok(default),
            Some(n) if (1..=MAX_PACK_INT_SIZE as i32).contains(&n) => Ok(n as usize),
            Some(n) => Err(PackError::IntSize(n)),
        }
    }

    fn read(&mut self, format: &[u8]) -> Result<(Kind, usize), PackError> {
        let letter = self.peek(format);
        self.at += 1;
        Ok(match letter {
            b'b' => (Kind::Int, 1),
            b'B' => (Kind::Uint, 1),
            b'h' => (Kind::Int, 2),
            b'H' => (Kind::Uint, 2),
            b'l' | b'j' => (Kind::Int, 8),
            b'L' | b'J' | b'T' => (Kind::Uint, 8),
            b'f' => (Kind::Float, 4),
            b'd' | b'n' => (Kind::Float, 8),
            b'i' => (Kind::Int, self.int_size(format, 4)?),
            b'I' => (Kind::Uint, self.int_size(format, 4)?),
            b's' => (Kind::Str, self.int_size(format, 8)?),
            b'c' => (Kind::Char, self.number(format).ok_or(PackError::MissingCharSize)? as usize),
            b'z' => (Kind::Zero, 0),
            b'x' => (Kind::Padding, 1),
            b'X' => (Kind::Align, 0),
            b' ' => (Kind::Nothing, 0),
            b'<' => {
                self.little = true;
                (Kind::Nothing, 0)
            }
            b'>' => {
                self.little = false;
                (Kind::Nothing, 0)
            }
            b'=' => {
                self.little = NATIVE_LITTLE;
                (Kind::Nothing, 0)
            }
            b'!' => {
                self.max_align = self.int_size(format, NATIVE_ALIGN)?;
                (Kind::Nothing, 0)
            }
            other => return Err(PackError::InvalidOption(other)),
        })
    }
}

/// `string.packsize`, item by item; plain data.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure {
    options: Options,
    total: usize,
}

impl Measure {
    /// Adds the next item. The size at the end of the format.
    pub fn next(&mut self, format: &[u8]) -> Result<Option<usize>, PackError> {
        let Some(item) = self.options.next(format, self.total)? else { return Ok(Some(self.total)) };
        let size = item.size + item.align;
        if self.total + size > LARGEST_SIZE {
            return Err(PackError::ResultTooLarge);
        }
        self.total += size;
        if matches!(item.kind, Kind::Str | Kind::Zero) {
            return Err(PackError::VariableLength);
        }
        Ok(None)
    }
}

/// Writes the alignment of an item and, for `x`, its byte. Comes before the value of every item.
pub fn pack_padding(out: &mut impl ByteSink, item: &Item) {
    out.fill(0, item.align + usize::from(item.kind == Kind::Padding));
}

fn put_int(out: &mut impl ByteSink, item: &Item, n: u64, negative: bool) {
    let mut bytes = [if negative { 0xFF } else { 0 }; MAX_PACK_INT_SIZE as usize];
    bytes[..INTEGER_SIZE].copy_from_slice(&n.to_le_bytes());
    let bytes = &mut bytes[..item.size];
    if !item.little {
        bytes.reverse();
    }
    out.put(bytes);
}

/// `Kind::Int` and `Kind::Uint`.
pub fn pack_int(out: &mut impl ByteSink, item: &Item, n: i64) -> Result<(), PackError> {
    let bits = item.size * 8;
    if item.kind == Kind::Int {
        if item.size < INTEGER_SIZE {
            let limit = 1i64 << (bits - 1);
            if !(-limit..limit).contains(&n) {
                return Err(PackError::IntegerOverflow);
            }
        }
        put_int(out, item, n as u64, n < 0);
    } else {
        if item.size < INTEGER_SIZE && n as u64 >= 1 << bits {
            return Err(PackError::UnsignedOverflow);
        }
        put_int(out, item, n as u64, false);
    }
    Ok(())
}

/// `Kind::Float`.
pub fn pack_float(out: &mut impl ByteSink, item: &Item, x: f64) {
    match (item.size, item.little) {
        (4, true) => out.put(&(x as f32).to_le_bytes()),
        (4, false) => out.put(&(x as f32).to_be_bytes()),
        (_, true) => out.put(&x.to_le_bytes()),
        (_, false) => out.put(&x.to_be_bytes()),
    }
}

/// `Kind::Char`, `Kind::Str` and `Kind::Zero`. Gives the bytes written beyond `item.size`.
pub fn pack_bytes(out: &mut impl ByteSink, item: &Item, bytes: &[u8]) -> Result<usize, PackError> {
    match item.kind {
        Kind::Char => {
            if bytes.len() > item.size {
                return Err(PackError::LongerThanSize);
            }
            out.put(bytes);
            out.fill(0, item.size - bytes.len());
            Ok(0)
        }
        Kind::Str => {
            if item.size < INTEGER_SIZE && bytes.len() >= 1 << (item.size * 8) {
                return Err(PackError::LengthDoesNotFit);
            }
            put_int(out, item, bytes.len() as u64, false);
            out.put(bytes);
            Ok(bytes.len())
        }
        _ => {
            if memchr::memchr(0, bytes).is_some() {
                return Err(PackError::ContainsZeros);
            }
            out.put(bytes);
            out.put(&[0]);
            Ok(bytes.len() + 1)
        }
    }
}

fn get_int(bytes: &[u8], little: bool, signed: bool) -> Result<i64, PackError> {
    let size = bytes.len();
    let byte = |i: usize| if little { bytes[i] } else { bytes[size - 1 - i] };
    let mut value = 0u64;
    for i in (0..size.min(INTEGER_SIZE)).rev() {
        value = value << 8 | u64::from(byte(i));
    }
    if size < INTEGER_SIZE {
        if signed {
            let sign = 1u64 << (size * 8 - 1);
            value = (value ^ sign).wrapping_sub(sign);
        }
    } else {
        let rest = if signed && (value as i64) < 0 { 0xFF } else { 0 };
        if (INTEGER_SIZE..size).any(|i| byte(i) != rest) {
            return Err(PackError::DoesNotFitInteger(size));
        }
    }
    Ok(value as i64)
}

fn get_float(bytes: &[u8], little: bool) -> f64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    if !little {
        word[..bytes.len()].reverse();
    }
    if bytes.len() == 4 {
        f64::from(f32::from_le_bytes([word[0], word[1], word[2], word[3]]))
    } else {
        f64::from_le_bytes(word)
    }
}

/// One value of `string.unpack`.
#[derive(Clone, Debug, PartialEq)]
pub enum Unpacked {
    Int(i64),
    Float(f64),
    /// The string `data[range]`.
    Bytes(Range<usize>),
    /// An item without value.
    Nothing,
}

/// `string.unpack`, item by item; plain data.
#[derive(Clone, Copy, Debug)]
pub struct Unpacker {
    options: Options,
    position: usize,
}

impl Unpacker {
    /// `position` is the third argument, from 1, negative from the end.
    pub fn new(position: i64, data: &[u8]) -> Result<Self, PackError> {
        let position = super::super::utf8::relative_position(position, data.len());
        // As 5.3: position 0 wraps around and is then out of the string.
        match usize::try_from(position.wrapping_sub(1)) {
            Ok(position) if position <= data.len() => Ok(Unpacker { options: Options::default(), position }),
            _ => Err(PackError::InitialPosition),
        }
    }

    /// The position after what was read, from 1: the last result of `string.unpack`.
    pub fn position(&self) -> usize {
        self.position + 1
    }

    /// The next item; `None` at the end of the format.
    pub fn next(&mut self, format: &[u8], data: &[u8]) -> Result<Option<Unpacked>, PackError> {
        let Some(item) = self.options.next(format, self.position)? else { return Ok(None) };
        let room = data.len().checked_sub(self.position).ok_or(PackError::DataTooShort)?;
        if item.align + item.size > room {
            return Err(PackError::DataTooShort);
        }
        let start = self.position + item.align;
        let end = start + item.size;
        self.position = end;
        let bytes = &data[start..end];
        Ok(Some(match item.kind {
            Kind::Int | Kind::Uint => Unpacked::Int(get_int(bytes, item.little, item.kind == Kind::Int)?),
            Kind::Float => Unpacked::Float(get_float(bytes, item.little)),
            Kind::Char => Unpacked::Bytes(start..end),
            Kind::Str => {
                let len = get_int(bytes, item.little, false)? as u64;
                if len > (data.len() - end) as u64 {
                    return Err(PackError::DataTooShort);
                }
                self.position = end + len as usize;
                Unpacked::Bytes(end..self.position)
            }
            Kind::Zero => {
                // As 5.3: without a zero the string reaches to the end, and the zero behind it counts as read.
                let len = memchr::memchr(0, &data[start..]).unwrap_or(data.len() - start);
                self.position = start + len + 1;
                Unpacked::Bytes(start..start + len)
            }
            Kind::Padding | Kind::Align | Kind::Nothing => Unpacked::Nothing,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed_size(format: &[u8]) -> Result<usize, PackError> {
        let mut measure = Measure::default();
        loop {
            if let Some(size) = measure.next(format)? {
                return Ok(size);
            }
        }
    }

    fn item(format: &str) -> Result<Option<Item>, PackError> {
        let mut options = Options::default();
        let mut total = 0;
        loop {
            match options.next(format.as_bytes(), total)? {
                Some(item) if !item.kind.has_value() => total += item.align + item.size,
                other => return Ok(other),
            }
        }
    }

    fn ints(format: &str, n: i64) -> Result<Vec<u8>, PackError> {
        let mut out = Vec::new();
        pack_int(&mut out, &item(format)?.unwrap(), n).map(|()| out)
    }

    fn unpack(format: &str, data: &[u8]) -> Result<(Vec<Unpacked>, usize), PackError> {
        let mut unpacker = Unpacker::new(1, data)?;
        let mut values = Vec::new();
        while let Some(value) = unpacker.next(format.as_bytes(), data)? {
            if value != Unpacked::Nothing {
                values.push(value);
            }
        }
        Ok((values, unpacker.position()))
    }

    #[test]
    fn integers_of_every_size() {
        for size in 1..=16 {
            for n in [0, 1, -1, 100, -100] {
                for order in ["<", ">"] {
                    let format = format!("{order}i{size}");
                    let bytes = ints(&format, n).unwrap();
                    assert_eq!(bytes.len(), size);
                    assert_eq!(unpack(&format, &bytes), Ok((vec![Unpacked::Int(n)], size + 1)));
                }
            }
        }
        assert_eq!(ints(">i3", -2).unwrap(), b"\xff\xff\xfe");
        assert_eq!(ints("<I10", -1).unwrap(), b"\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
        assert_eq!(ints("b", 128), Err(PackError::IntegerOverflow));
        assert_eq!(ints("B", 256), Err(PackError::UnsignedOverflow));
        assert_eq!(ints("B", -1), Err(PackError::UnsignedOverflow));
        assert_eq!(ints("j", i64::MIN).unwrap().len(), 8);
        let error = unpack("<I9", &[0xff; 9]).unwrap_err();
        assert_eq!(error.to_string(), "9-byte integer does not fit into Lua Integer");
        assert_eq!(unpack("<i9", &[0xff; 9]), Ok((vec![Unpacked::Int(-1)], 10)));
    }

    #[test]
    fn formats() {
        let error = |format| item(format).unwrap_err().to_string();
        assert_eq!(error("i17"), "integral size (17) out of limits [1,16]");
        assert_eq!(error("i0"), "integral size (0) out of limits [1,16]");
        assert_eq!(error("!17i"), "integral size (17) out of limits [1,16]");
        assert_eq!(error("c"), "missing size for format option 'c'");
        assert_eq!(error("r"), "invalid format option 'r'");
        assert_eq!(error("X"), "invalid next option for option 'X'");
        assert_eq!(error("Xc1"), "invalid next option for option 'X'");
        assert_eq!(error("X z"), "invalid next option for option 'X'");
        assert_eq!(error("!4 i3"), "format asks for alignment not power of 2");
        assert_eq!(item("\0i4"), Ok(None));
        assert_eq!(item("x!Xj j").unwrap().unwrap().align, 0);
        assert_eq!(item("x!j").unwrap().unwrap().align, 7);
        assert_eq!(item("x!2j").unwrap().unwrap().align, 1);
    }

    #[test]
    fn sizes() {
        assert_eq!(packed_size(b"<!8 b Xh i4 i8 c1 Xi8"), Ok(24));
        assert_eq!(packed_size(b"c2147483639c8"), Ok(2147483647));
        assert_eq!(packed_size(b"c2147483639c9"), Err(PackError::ResultTooLarge));
        assert_eq!(packed_size(b"c99999999999"), Err(PackError::InvalidOption(b'9')));
        assert_eq!(packed_size(b"z"), Err(PackError::VariableLength));
        assert_eq!(packed_size(b"s"), Err(PackError::VariableLength));
    }

    #[test]
    fn strings() {
        let mut out = Vec::new();
        assert_eq!(pack_bytes(&mut out, &item("c4").unwrap().unwrap(), b"ab"), Ok(0));
        assert_eq!(pack_bytes(&mut out, &item(">s2").unwrap().unwrap(), b"xyz"), Ok(3));
        assert_eq!(pack_bytes(&mut out, &item("z").unwrap().unwrap(), b"q"), Ok(2));
        assert_eq!(out, b"ab\0\0\0\x03xyzq\0");
        let values = vec![Unpacked::Bytes(0..4), Unpacked::Bytes(6..9), Unpacked::Bytes(9..10)];
        assert_eq!(unpack("c4>s2z", &out), Ok((values, 12)));
        assert_eq!(unpack("z", b"abc"), Ok((vec![Unpacked::Bytes(0..3)], 5)));
        assert_eq!(unpack("zb", b"abc"), Err(PackError::DataTooShort));
        assert_eq!(unpack("s1", b"\x05abc"), Err(PackError::DataTooShort));
        assert_eq!(unpack("s8", &[0xff; 9]), Err(PackError::DataTooShort));
        assert_eq!(
            pack_bytes(&mut out, &item("c1").unwrap().unwrap(), b"ab"),
            Err(PackError::LongerThanSize)
        );
        assert_eq!(
            pack_bytes(&mut out, &item("s1").unwrap().unwrap(), &[b'a'; 256]),
            Err(PackError::LengthDoesNotFit)
        );
        assert_eq!(pack_bytes(&mut out, &item("z").unwrap().unwrap(), b"a\0"), Err(PackError::ContainsZeros));
    }

    #[test]
    fn floats() {
        for (format, x) in [("<f", 1.5), (">f", -0.25), ("<d", 0.1), (">n", 1e300)] {
            let mut out = Vec::new();
            pack_float(&mut out, &item(format).unwrap().unwrap(), x);
            assert_eq!(unpack(format, &out), Ok((vec![Unpacked::Float(x)], out.len() + 1)));
        }
    }

    #[test]
    fn positions() {
        assert_eq!(Unpacker::new(-1, b"abc").unwrap().position(), 3);
        assert_eq!(Unpacker::new(4, b"abc").unwrap().position(), 4);
        for bad in [0, 5, -4, i64::MIN, i64::MAX] {
            assert_eq!(Unpacker::new(bad, b"abc").unwrap_err(), PackError::InitialPosition);
        }
    }
}
