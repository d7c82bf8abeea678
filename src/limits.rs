//! Every limit and default of the program, each with its reason. Nothing numeric hides elsewhere.

/// Nested blocks, functions, parentheses, tables and operators in one source text, as `LUAI_MAXCCALLS` in 5.3. It
/// also makes it safe for the compiler to recurse over the tree.
pub const MAX_SYNTAX_LEVELS: u32 = 200;

/// Active local variables in one function, as in 5.3.
pub const MAX_LOCALS: usize = 200;

/// Upvalues of one function, as in 5.3 (`MAXUPVAL`).
pub const MAX_UPVALUES: usize = 255;

/// Registers of one function, as in 5.3 (`MAXREGS`). Operands could name 4096.
pub const MAX_REGISTERS: usize = 250;

/// Constants reachable by a 16-bit pre-scaled operand. Later ones are loaded into a register first.
pub const MAX_OPERAND_CONSTANT: usize = 4095;

/// Captures of one pattern, as in 5.3 (`LUA_MAXCAPTURES`).
pub const MAX_CAPTURES: usize = 32;

/// Choices a pattern match may have open at once, as `MAXCCALLS` of the string library in 5.3: nothing recurses here,
/// but programs see "pattern too complex" at the same patterns.
pub const MAX_MATCH_DEPTH: usize = 200;

/// Bytes of an integer in `string.pack`, as in 5.3 (`MAXINTSIZE`).
pub const MAX_PACK_INT_SIZE: u32 = 16;
