//! Function prototypes as the compiler makes them: portable, without heap pointers or hashes.
//!
//! Loading a prototype into a heap (`heap::code`) consumes it and links its constants.

use super::types::TypePool;
use super::{Instr, Origins};
use crate::turns::{drop_all, step};
use std::ops::Deref;
use std::sync::Arc;

/// A name or the text of a constant, which the functions of a chunk share. It is one word, because prototypes hold many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Arc<Box<[u8]>>);

impl Text {
    /// Whether others hold the same bytes.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn size(&self) -> usize {
        // In front of the shared value are two counters.
        2 * size_of::<usize>() + size_of::<Box<[u8]>>() + self.0.len()
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Self(Arc::new(bytes.into()))
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// A compile-time constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Const {
    Nil,
    False,
    True,
    Integer(i64),
    Float(f64),
    String(Text),
}

/// Where a closure finds an upvalue when it is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpvalDesc {
    /// True: register `index` of the enclosing function; false: its upvalue `index`.
    pub in_stack: bool,
    pub index: u8,
    /// Empty when stripped.
    pub name: Text,
}

/// A local variable's life, for messages and `debug`. Its register is its position among the active ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalVar {
    pub name: Text,
    /// First instruction where it is active.
    pub start_pc: u32,
    /// First instruction where it is no longer active.
    pub end_pc: u32,
}

/// One function, immutable.
#[derive(Clone, Debug, PartialEq)]
pub struct Proto {
    pub code: Box<[Instr]>,
    pub consts: Box<[Const]>,
    pub protos: Box<[Proto]>,
    pub upvals: Box<[UpvalDesc]>,
    pub num_params: u8,
    pub is_vararg: bool,
    /// Registers used, at least 2, at most `limits::MAX_REGISTERS`.
    pub max_stack: u8,
    /// Line of `function` and of its `end`; 0 and 0 for a main chunk.
    pub line_defined: u32,
    pub last_line_defined: u32,
    /// Chunk name as given to `load`, with its `@` or `=` mark; empty when stripped.
    pub source: Arc<[u8]>,
    /// Line and source range of each instruction; empty when stripped.
    pub origins: Origins,
    /// In order of `start_pc`; empty when stripped.
    pub locals: Box<[LocalVar]>,
    /// Types of the chunk, for the main function and those that name one.
    pub types: Option<Arc<TypePool>>,
}

impl Proto {
    /// Memory behind it, without the texts of its constants, which are shared, and what is behind the functions in it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.code)
            + size_of_val(&*self.consts)
            + size_of_val(&*self.protos)
            + size_of_val(&*self.upvals)
            + size_of_val(&*self.locals)
            + self.origins.bytes()
    }

    /// Drops it as work that may be done in turns: each of its texts takes time.
    pub fn drop_in_turns(self) {
        self.protos.into_vec().into_iter().for_each(Self::drop_in_turns);
        drop_all(self.consts.into_vec());
        drop_all(self.locals.into_vec());
        step(self.code.len() / 16);
    }
}
