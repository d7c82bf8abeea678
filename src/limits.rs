//! Every limit and default of the program, each with its reason. Nothing numeric hides elsewhere.

/// Nested blocks, functions, parentheses, tables and operators in one source text, as `LUAI_MAXCCALLS` in 5.3. It
/// also makes it safe for the compiler to recurse over the tree.
pub const MAX_SYNTAX_LEVELS: u32 = 200;

/// Active local variables in one function, as in 5.3.
pub const MAX_LOCALS: usize = 200;

/// Upvalues of one function, as in 5.3 (`MAXUPVAL`).
pub const MAX_UPVALUES: usize = 255;

/// Registers of one function, as in 5.3 (which refuses `MAXREGS`, 255). Operands could name 4096.
pub const MAX_REGISTERS: usize = 254;

/// Constants reachable by a 16-bit pre-scaled operand. Later ones are loaded into a register first.
pub const MAX_OPERAND_CONSTANT: usize = 4095;

/// Constants of one function, as in 5.3 (`MAXARG_Ax`). A pre-scaled wide operand could name twice as many.
pub const MAX_CONSTANTS: usize = (1 << 26) - 1;

/// Items a table constructor collects in registers before storing them, as in 5.3 (`LFIELDS_PER_FLUSH`).
pub const FIELDS_PER_FLUSH: usize = 50;

/// Instructions of one function. Far more than any source makes; keeps jump distances in 32 bits.
pub const MAX_OPCODES: usize = 1 << 30;
