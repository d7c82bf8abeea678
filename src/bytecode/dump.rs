//! Precompiled chunks: a binary form of prototypes, for `string.dump`, `load` and packs.
//!
//! ```text
//! chunk    = ESC "Lua" version format check sizes magic fingerprint function
//! function = source line_defined last_line_defined params flags max_stack
//!            code consts upvals protos lines spans locals          (each list: count, items)
//!            types                                                 (`dump/types.rs`)
//! ```
//!
//! Counts and positions are LEB128; instructions, integers and floats are little-endian. The fingerprint is a hash of
//! the op table, so a chunk of another instruction set is a version mismatch. Nothing read is trusted: counts reserve no
//! more memory than the bytes left could fill, and the result passes the verifier.

mod types;

use super::ops::{self, Operand};
use super::types::TypePool;
use super::verify::verify;
use super::{Const, Instr, LocalVar, Origin, Proto, UpvalDesc};
use crate::diag::Span;
use crate::limits::MAX_SYNTAX_LEVELS;
use crate::numfmt::ByteSink;
use crate::turns::{step, step_at};
use std::sync::Arc;

/// First bytes of every chunk, as programs expect them of Lua. What tells our chunks from the reference's is [`MAGIC`].
pub const SIGNATURE: &[u8] = b"\x1bLua";

/// Source name of a function that came without one.
const UNKNOWN_SOURCE: &[u8] = b"=?";

const VERSION: u8 = 0x53;
/// Of the reference: programs compare it. What changes with our own format is [`MAGIC`].
const FORMAT: u8 = 0;
/// What the reference says of its machine and programs look for; our own numbers are 64 bits everywhere.
const SIZES: &[u8] = &[4, 8, 4, 8, 8, 0x78, 0x56, 0, 0, 0, 0, 0, 0];
/// Stands where the reference writes a float: tells our chunks from its own.
const MAGIC: &[u8] = b"wippy\x03";
/// Spoilt by transfers that change line ends or strip the eighth bit.
const CHECK: &[u8] = b"\x19\x93\r\n\x1a\n";

/// Why a chunk was refused, in the words that follow `<chunk name>: ` in the reference's message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadChunk(pub &'static str);

impl std::fmt::Display for BadChunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} precompiled chunk", self.0)
    }
}

impl std::error::Error for BadChunk {}

const TRUNCATED: BadChunk = BadChunk("truncated");
const CORRUPTED: BadChunk = BadChunk("corrupted");

/// FNV-1a over op names and operand kinds.
fn fingerprint() -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    let mut mix = |byte: u8| hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    for op in ops::ALL {
        op.name().bytes().for_each(&mut mix);
        let kinds = op.operands();
        [kinds.a, kinds.b, kinds.c, kinds.w].into_iter().for_each(|kind| mix(kind as u8));
    }
    hash
}

/// True if the bytes claim to be a precompiled chunk.
#[must_use]
pub fn is_precompiled(bytes: &[u8]) -> bool {
    bytes.first() == SIGNATURE.first()
}

// ---- writing ----

/// Serialises a function; `strip` leaves out everything only messages and `debug` need. May be done in turns: a chunk that nobody
/// wants any more is not completed.
#[must_use]
pub fn dump(proto: &Proto, strip: bool) -> Vec<u8> {
    let mut chunk = Vec::new();
    write(proto, strip, &mut chunk);
    chunk
}

/// [`dump`] into any buffer.
pub fn write(proto: &Proto, strip: bool, chunk: &mut impl ByteSink) {
    for part in [SIGNATURE, &[VERSION, FORMAT], CHECK, SIZES, MAGIC, &fingerprint().to_le_bytes()] {
        chunk.put(part);
    }
    Writer { out: chunk, strip, pools: Vec::new() }.function(proto, None);
}

struct Writer<'a, S> {
    out: &'a mut S,
    strip: bool,
    /// Types written so far: functions of a chunk share them.
    pools: Vec<*const TypePool>,
}

impl<S: ByteSink> Writer<'_, S> {
    fn number(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.out.put(&[n as u8 | 0x80]);
            n >>= 7;
        }
        self.out.put(&[n as u8]);
    }

    fn size(&mut self, n: usize) {
        self.number(n as u64);
    }

    /// Small differences in either direction become small numbers.
    fn difference(&mut self, from: u32, to: u32) {
        let d = i64::from(to) - i64::from(from);
        self.number(((d << 1) ^ (d >> 63)) as u64);
    }

    fn bytes(&mut self, s: &[u8]) {
        self.size(s.len());
        self.out.put(s);
    }

    fn function(&mut self, p: &Proto, parent: Option<&Proto>) {
        // A nested function mostly has its parent's source: then the name is left out.
        let same = parent.map_or(&*p.source == UNKNOWN_SOURCE, |parent| parent.source == p.source);
        self.bytes(if self.strip || same { b"" } else { &p.source });
        self.number(u64::from(p.line_defined));
        self.number(u64::from(p.last_line_defined));
        self.out.put(&[p.num_params, u8::from(p.is_vararg), p.max_stack]);
        self.size(p.code.len());
        for (at, i) in p.code.iter().enumerate() {
            self.out.put(&without_hash(*i).0.to_le_bytes());
            if !step_at(at) {
                return;
            }
        }
        self.size(p.consts.len());
        for (at, k) in p.consts.iter().enumerate() {
            self.constant(k);
            if !step_at(at) {
                return;
            }
        }
        self.size(p.upvals.len());
        for up in &p.upvals {
            self.out.put(&[u8::from(up.in_stack), up.index]);
            self.bytes(if self.strip { b"" } else { &up.name });
        }
        self.size(p.protos.len());
        for inner in &p.protos {
            self.function(inner, Some(p));
            if !step(1) {
                return;
            }
        }
        if self.strip {
            self.out.put(&[0, 0, 0]);
        } else {
            self.debug(p);
        }
        self.pool(p.types.as_ref());
    }

    fn constant(&mut self, k: &Const) {
        match k {
            Const::Nil => self.out.put(&[0]),
            Const::False => self.out.put(&[1]),
            Const::True => self.out.put(&[2]),
            Const::Integer(i) => {
                self.out.put(&[3]);
                self.out.put(&i.to_le_bytes());
            }
            Const::Float(n) => {
                self.out.put(&[4]);
                self.out.put(&n.to_bits().to_le_bytes());
            }
            Const::String(s) => {
                self.out.put(&[5]);
                self.bytes(s);
            }
        }
    }

    fn debug(&mut self, p: &Proto) {
        self.size(p.origins.len());
        let mut last = p.line_defined;
        for (at, Origin { line, .. }) in p.origins.iter().enumerate() {
            self.difference(last, line);
            last = line;
            if !step_at(at) {
                return;
            }
        }
        self.size(p.origins.len());
        let mut last = 0;
        for (at, Origin { span, .. }) in p.origins.iter().enumerate() {
            self.difference(last, span.start);
            self.difference(span.start, span.end);
            last = span.start;
            if !step_at(at) {
                return;
            }
        }
        self.size(p.locals.len());
        for local in &p.locals {
            self.bytes(&local.name);
            self.number(u64::from(local.start_pc));
            self.number(u64::from(local.end_pc));
        }
    }
}

/// The instruction as the compiler made it: name hashes belong to one running program.
fn without_hash(i: Instr) -> Instr {
    let hashed = i.op().is_some_and(|op| {
        let kinds = op.operands();
        kinds.b == Operand::Key || kinds.c == Operand::Key
    });
    if hashed { i.with_h(0) } else { i }
}

// ---- reading ----

/// Reads a chunk back and verifies it.
pub fn undump(bytes: &[u8]) -> Result<Proto, BadChunk> {
    let mut r = Reader { rest: bytes, pools: Vec::new() };
    let head = r.take(SIGNATURE.len().min(bytes.len()))?;
    if head != &SIGNATURE[..head.len()] {
        return Err(BadChunk("not a"));
    }
    if head.len() < SIGNATURE.len() {
        return Err(TRUNCATED);
    }
    if r.byte()? != VERSION {
        return Err(BadChunk("version mismatch in"));
    }
    if r.byte()? != FORMAT {
        return Err(BadChunk("format mismatch in"));
    }
    if r.take(CHECK.len())? != CHECK {
        return Err(CORRUPTED);
    }
    if r.take(SIZES.len())? != SIZES || r.take(MAGIC.len())? != MAGIC {
        return Err(BadChunk("version mismatch in"));
    }
    if u32::from_le_bytes(r.array()?) != fingerprint() {
        return Err(BadChunk("version mismatch in"));
    }
    let unknown: Arc<[u8]> = UNKNOWN_SOURCE.into();
    let proto = r.function(&unknown, 0)?;
    verify(&proto).map_err(|_| CORRUPTED)?;
    Ok(proto)
}

struct Reader<'a> {
    rest: &'a [u8],
    pools: Vec<Arc<TypePool>>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], BadChunk> {
        let (head, rest) = self.rest.split_at_checked(n).ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, BadChunk> {
        Ok(self.take(1)?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadChunk> {
        self.take(N)?.try_into().map_err(|_| TRUNCATED)
    }

    fn number(&mut self) -> Result<u64, BadChunk> {
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(n);
            }
        }
        Err(CORRUPTED)
    }

    fn small(&mut self) -> Result<u32, BadChunk> {
        u32::try_from(self.number()?).map_err(|_| CORRUPTED)
    }

    fn difference(&mut self, from: u32) -> Result<u32, BadChunk> {
        let n = self.number()?;
        let d = (n >> 1) as i64 ^ -((n & 1) as i64);
        let to = i64::from(from).checked_add(d).ok_or(CORRUPTED)?;
        u32::try_from(to).map_err(|_| CORRUPTED)
    }

    fn bytes(&mut self) -> Result<&'a [u8], BadChunk> {
        let n = usize::try_from(self.number()?).map_err(|_| TRUNCATED)?;
        self.take(n)
    }

    fn flag(&mut self) -> Result<bool, BadChunk> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(CORRUPTED),
        }
    }

    /// A counted list whose items take at least `least` bytes each in the file.
    fn list<T>(
        &mut self,
        least: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, BadChunk>,
    ) -> Result<Box<[T]>, BadChunk> {
        let n = usize::try_from(self.number()?).map_err(|_| TRUNCATED)?;
        if n > self.rest.len() / least {
            return Err(TRUNCATED);
        }
        let mut items = Vec::new();
        for i in 0..n {
            items.push(item(self)?);
            if !crate::turns::step_at(i) {
                // Nobody wants the result.
                return Err(TRUNCATED);
            }
        }
        Ok(items.into())
    }

    fn function(&mut self, parent_source: &Arc<[u8]>, depth: u32) -> Result<Proto, BadChunk> {
        if depth > MAX_SYNTAX_LEVELS {
            return Err(CORRUPTED);
        }
        let source = match self.bytes()? {
            b"" => parent_source.clone(),
            own => Arc::from(own),
        };
        let line_defined = self.small()?;
        let last_line_defined = self.small()?;
        let num_params = self.byte()?;
        let is_vararg = self.flag()?;
        let max_stack = self.byte()?;
        let code = self.list(8, |r| Ok(Instr(u64::from_le_bytes(r.array()?))))?;
        let consts = self.list(1, Self::constant)?;
        let upvals = self
            .list(3, |r| Ok(UpvalDesc { in_stack: r.flag()?, index: r.byte()?, name: r.bytes()?.into() }))?;
        // An empty function already takes more than a dozen bytes.
        let protos = self.list(12, |r| r.function(&source, depth + 1))?;
        let mut line = line_defined;
        let lines = self.list(1, |r| {
            line = r.difference(line)?;
            Ok(line)
        })?;
        let mut start = 0;
        let spans = self.list(2, |r| {
            start = r.difference(start)?;
            Ok(Span::new(start, r.difference(start)?))
        })?;
        if lines.len() != spans.len() {
            return Err(CORRUPTED);
        }
        let origins = lines.iter().zip(&spans).map(|(&line, &span)| Origin { line, span }).collect();
        let locals = self.list(3, |r| {
            let name = r.bytes()?.into();
            Ok(LocalVar { name, start_pc: r.small()?, end_pc: r.small()? })
        })?;
        let types = self.pool()?;
        Ok(Proto {
            code,
            consts,
            protos,
            upvals,
            num_params,
            is_vararg,
            max_stack,
            line_defined,
            last_line_defined,
            source,
            origins,
            locals,
            types,
        })
    }

    fn constant(&mut self) -> Result<Const, BadChunk> {
        Ok(match self.byte()? {
            0 => Const::Nil,
            1 => Const::False,
            2 => Const::True,
            3 => Const::Integer(i64::from_le_bytes(self.array()?)),
            4 => Const::Float(f64::from_bits(u64::from_le_bytes(self.array()?))),
            5 => Const::String(self.bytes()?.into()),
            _ => return Err(CORRUPTED),
        })
    }
}
