//! State of one function being compiled.

use super::desc::{JumpList, Pc, Reg};
use super::label::Goto;
use super::types::Known;
use crate::bytecode::{Const, Instr, LocalVar, Origin, Origins, Proto, UpvalDesc};
use crate::limits::TURN_STEPS;
use crate::syntax::ast::Symbol;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::sync::Arc;

/// A constant as a map key. Floats by their bits, so that no two different ones merge.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ConstKey<'a> {
    Nil,
    False,
    True,
    Integer(i64),
    Float(u64),
    String(&'a [u8]),
}

impl<'a> ConstKey<'a> {
    pub fn of(value: &'a Const) -> Self {
        match value {
            Const::Nil => Self::Nil,
            Const::False => Self::False,
            Const::True => Self::True,
            Const::Integer(i) => Self::Integer(*i),
            Const::Float(n) => Self::Float(n.to_bits()),
            Const::String(s) => Self::String(s),
        }
    }

    pub fn hash(&self) -> u64 {
        foldhash::fast::FixedState::default().hash_one(self)
    }

    pub fn to_const(self) -> Const {
        match self {
            Self::Nil => Const::Nil,
            Self::False => Const::False,
            Self::True => Const::True,
            Self::Integer(i) => Const::Integer(i),
            Self::Float(bits) => Const::Float(f64::from_bits(bits)),
            Self::String(s) => Const::String(s.into()),
        }
    }
}

/// Constants up to which a function's map is kept for the next function: emptying a map costs time for all its places.
const KEPT_CONSTANTS: usize = 256;

/// Functions inside a function up to which their list is kept for the next function; a longer one moves as it is.
const KEPT_PROTOS: usize = 64;

/// A declared local variable. Register = its position among the function's variables.
#[derive(Clone, Copy)]
pub(super) struct Local {
    /// `None` for the hidden variables of loops, which no name can reach.
    pub sym: Option<Symbol>,
    /// Index into [`Func::local_info`].
    pub info: u32,
    pub known: Known,
}

/// A lexical block.
pub(super) struct Block {
    /// Variables active outside.
    pub active: u8,
    /// Some variable of it is captured, so leaving it has to close upvalues.
    pub captured: bool,
    pub is_loop: bool,
    /// A `repeat` body: its condition still sees its variables.
    pub is_repeat: bool,
    /// Newest `break` of the loop, a list through [`Goto::next`].
    pub breaks: Option<u32>,
    /// Number of gotos of the function when it was entered.
    pub first_goto: u32,
    /// Identity for label look-up; 0 if the block has no label.
    pub labels: u32,
    /// What `leave_types` takes.
    pub types: usize,
    /// The alias of its next `type` or `interface` statement.
    pub next_alias: u32,
}

/// A function being compiled.
pub(super) struct Func {
    /// Tells functions of a chunk apart.
    pub serial: u32,
    pub code: Vec<Instr>,
    /// One for each instruction.
    pub origins: Vec<Origin>,
    pub consts: Vec<Const>,
    /// Indices of `consts` by value.
    pub const_map: HashTable<u32>,
    pub protos: Vec<Proto>,
    pub upvals: Vec<UpvalDesc>,
    /// Names of `upvals`, for look-up.
    pub upval_syms: Vec<Symbol>,
    pub local_info: Vec<LocalVar>,
    /// Declared variables; the first `active` of them are in scope.
    pub locals: Vec<Local>,
    pub active: u8,
    /// First free register.
    pub free: Reg,
    pub max_stack: u8,
    pub num_params: u8,
    pub is_vararg: bool,
    pub line_defined: u32,
    pub last_line_defined: u32,
    pub blocks: Vec<Block>,
    pub gotos: Vec<Goto>,
    /// First goto without a label, reported when the function ends.
    pub lost_goto: Option<Box<[u8]>>,
    /// Jumps to the next instruction.
    pub pending: JumpList,
    /// Last instruction known to be a jump target.
    pub last_target: Pc,
    /// Some local variable is captured by a closure: returns must close upvalues.
    pub captures: bool,
}

impl Func {
    pub fn new(serial: u32, line_defined: u32, is_vararg: bool) -> Self {
        Self {
            serial,
            code: Vec::new(),
            origins: Vec::new(),
            consts: Vec::new(),
            const_map: HashTable::new(),
            protos: Vec::new(),
            upvals: Vec::new(),
            upval_syms: Vec::new(),
            local_info: Vec::new(),
            locals: Vec::new(),
            active: 0,
            free: 0,
            max_stack: 2,
            num_params: 0,
            is_vararg,
            line_defined,
            last_line_defined: 0,
            blocks: Vec::new(),
            gotos: Vec::new(),
            lost_goto: None,
            pending: JumpList::EMPTY,
            last_target: 0,
            captures: false,
        }
    }

    /// Empty again for another function, but with the memory it has grown.
    pub fn reset(&mut self, serial: u32, line_defined: u32, is_vararg: bool) {
        self.serial = serial;
        self.code.clear();
        self.origins.clear();
        self.consts.clear();
        if self.const_map.len() > KEPT_CONSTANTS {
            self.const_map = HashTable::new();
        } else {
            self.const_map.clear();
        }
        self.protos.clear();
        self.upvals.clear();
        self.upval_syms.clear();
        self.local_info.clear();
        self.locals.clear();
        self.active = 0;
        self.free = 0;
        self.max_stack = 2;
        self.num_params = 0;
        self.is_vararg = is_vararg;
        self.line_defined = line_defined;
        self.last_line_defined = 0;
        self.blocks.clear();
        self.gotos.clear();
        self.lost_goto = None;
        self.pending = JumpList::EMPTY;
        self.last_target = 0;
        self.captures = false;
    }

    /// The finished function. What it was made in can be [`Func::reset`]. `packed` is where the origins are made.
    pub fn finish(&mut self, source: Arc<[u8]>, packed: &mut Vec<u8>) -> Proto {
        let protos = if self.protos.len() > KEPT_PROTOS {
            std::mem::take(&mut self.protos).into()
        } else {
            self.protos.drain(..).collect()
        };
        Proto {
            code: self.code.as_slice().into(),
            consts: self.consts.drain(..).collect(),
            protos,
            upvals: self.upvals.drain(..).collect(),
            num_params: self.num_params,
            is_vararg: self.is_vararg,
            max_stack: self.max_stack,
            line_defined: self.line_defined,
            last_line_defined: self.last_line_defined,
            source,
            origins: Origins::pack(&self.origins, packed),
            locals: self.local_info.drain(..).collect(),
            types: None,
        }
    }

    /// Memory that it has grown, or will have at the end of a turn's step.
    pub fn bytes(&self) -> usize {
        fn of<T>(list: &Vec<T>) -> usize {
            let (full, step) = (list.capacity(), TURN_STEPS as usize);
            let grows = full > 4 * step && full - list.len() < step;
            (if grows { 2 * full } else { full }) * size_of::<T>()
        }
        of(&self.code)
            + of(&self.origins)
            + of(&self.consts)
            + self.const_map.allocation_size()
            + of(&self.protos)
            + of(&self.local_info)
            + of(&self.gotos)
    }

    /// Index of the next instruction.
    pub fn pc(&self) -> Pc {
        self.code.len() as Pc
    }
}
