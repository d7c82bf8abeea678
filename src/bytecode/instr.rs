//! One instruction: 64 bits, operands pre-scaled.
//!
//! ```text
//!  63        48 47        32 31        16 15    8 7     0
//! |     C      |     B      |     A      |   H   |  op   |
//! |            W            |     A      |   H   |  op   |
//! ```
//!
//! * Register and constant operands in A, B, C are **byte offsets** (index × 16), so a handler adds them to `base` or
//!   `k` without shifting. Which operand is a register, a constant or a raw number is said by the op table (`ops.rs`).
//! * W is a 32-bit operand in the place of B and C: jump distances in instructions (relative to the next
//!   instruction), integers, constant offsets (pre-scaled, index × 16), prototype indices.
//! * H is 8 bits: the low bits of a field name's hash (filled when code is linked, zero in files), or a flag.

use super::ops::Op;

/// Bytes per register and per constant slot.
pub const SLOT: u32 = 16;

/// An encoded instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Instr(pub u64);

const _: () = assert!(size_of::<Instr>() == 8);

impl Instr {
    /// Encodes raw operand fields.
    #[must_use]
    pub const fn abc(op: Op, h: u8, a: u16, b: u16, c: u16) -> Self {
        Self(op as u64 | (h as u64) << 8 | (a as u64) << 16 | (b as u64) << 32 | (c as u64) << 48)
    }

    /// Encodes A and the wide operand.
    #[must_use]
    pub const fn aw(op: Op, h: u8, a: u16, w: i32) -> Self {
        Self(op as u64 | (h as u64) << 8 | (a as u64) << 16 | (w as u32 as u64) << 32)
    }

    /// The op byte; may be no op at all in a damaged chunk, see [`Instr::op`].
    #[must_use]
    pub const fn op_byte(self) -> u8 {
        self.0 as u8
    }

    /// The op, or `None` for an unassigned byte.
    #[must_use]
    pub fn op(self) -> Option<Op> {
        Op::from_byte(self.op_byte())
    }

    #[must_use]
    pub const fn h(self) -> u8 {
        (self.0 >> 8) as u8
    }

    #[must_use]
    pub const fn a(self) -> u16 {
        (self.0 >> 16) as u16
    }

    #[must_use]
    pub const fn b(self) -> u16 {
        (self.0 >> 32) as u16
    }

    #[must_use]
    pub const fn c(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// The wide operand.
    #[must_use]
    pub const fn w(self) -> i32 {
        (self.0 as i64 >> 32) as i32
    }

    #[must_use]
    pub const fn with_h(self, h: u8) -> Self {
        Self(self.0 & !0xff00 | (h as u64) << 8)
    }

    #[must_use]
    pub const fn with_a(self, a: u16) -> Self {
        Self(self.0 & !0xffff_0000 | (a as u64) << 16)
    }

    #[must_use]
    pub const fn with_b(self, b: u16) -> Self {
        Self(self.0 & !(0xffff << 32) | (b as u64) << 32)
    }

    #[must_use]
    pub const fn with_c(self, c: u16) -> Self {
        Self(self.0 & !(0xffff << 48) | (c as u64) << 48)
    }

    #[must_use]
    pub const fn with_w(self, w: i32) -> Self {
        Self(self.0 & 0xffff_ffff | (w as u32 as u64) << 32)
    }
}

impl std::fmt::Debug for Instr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.op() {
            Some(op) => write!(f, "{op:?} h={} a={} b={} c={}", self.h(), self.a(), self.b(), self.c()),
            None => write!(f, "?{:02x}", self.op_byte()),
        }
    }
}
