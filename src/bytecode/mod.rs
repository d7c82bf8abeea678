//! Bytecode: the instruction set as one table, instructions, function prototypes. Immutable, `Send + Sync`, free of
//! heap pointers.

pub mod disasm;
pub mod dump;
pub mod instr;
pub mod ops;
pub mod origins;
pub mod proto;
pub mod types;
pub mod verify;

pub use instr::Instr;
pub use ops::Op;
pub use origins::{Origin, Origins};
pub use proto::{Const, LocalVar, Proto, Text, UpvalDesc};
