//! Every limit and default of the program, each with its reason. Nothing numeric hides elsewhere.

use std::time::Duration;

/// Nested blocks, functions, parentheses, tables and operators in one source text, as `LUAI_MAXCCALLS` in 5.3. It
/// also makes it safe for the compiler to recurse over the tree.
pub const MAX_SYNTAX_LEVELS: u32 = 200;

/// Bytes of source text after which the main function's next statement begins a new piece, whose tree takes the memory of the
/// one before. Its tree, some ten times as large, fits the second level cache.
pub const SOURCE_PIECE: u32 = 32 << 10;

/// Ends of a wrong text that are tried in search of its last whole statement, and the bytes that may be parsed for that.
pub const MAX_PREFIXES: usize = 200;
pub const MAX_PREFIX_BYTES: usize = 1 << 20;

/// Bytes of a chunk that `load` compiles, or reads, at once: what takes no more than some two milliseconds. A larger one is
/// compiled in turns.
pub const MAX_LOADED_AT_ONCE: usize = 32 << 10;

/// Reductions for each byte of a chunk that is compiled at once.
pub const LOAD_COST: usize = 2;

/// Reductions for a step in which a chunk is compiled or read: a token or an instruction.
pub const LOAD_STEP_COST: usize = 3;

/// Memory for each byte of a chunk that compiling may take: with less of it left than that, garbage is collected first.
pub const LOAD_ROOM: usize = 16;

/// Reductions for the string of a constant of a chunk that is linked in turns.
pub const LINK_TEXT_COST: usize = 3;

/// Constants or instructions that are linked for a reduction.
pub const LINK_STEPS: usize = 4;

/// Bytes of code that `string.dump` writes at once: what takes a fraction of a millisecond. More is written in turns.
pub const MAX_DUMPED_AT_ONCE: usize = 64 << 10;

/// Reductions for a step in which a function is written: an instruction, its origin, a constant.
pub const DUMP_STEP_COST: usize = 1;

/// Tokens or instructions after which work that may be done in turns looks whether its turn is over.
pub const TURN_STEPS: u32 = 64;

/// Threads that work in turns, in the program. More work than that at a time is done at once.
pub const MAX_TURN_THREADS: usize = 64;

/// Native stack of such a thread: the compiler's recursion is bounded by [`MAX_SYNTAX_LEVELS`].
pub const TURN_STACK: usize = if cfg!(debug_assertions) { 4 << 20 } else { 1 << 20 };

/// Active local variables in one function, as in 5.3.
pub const MAX_LOCALS: usize = 200;

/// Upvalues of one function, as in 5.3 (`MAXUPVAL`).
pub const MAX_UPVALUES: usize = 255;

/// Registers of one function, as in 5.3 (which refuses `MAXREGS`, 255). Operands could name 4096.
pub const MAX_REGISTERS: usize = 254;

/// Constants reachable by a 16-bit pre-scaled operand. Later ones are loaded into a register first.
pub const MAX_OPERAND_CONSTANT: usize = 4095;

/// Longest string stored behind its own header; longer ones are shared blobs, so that messages need not copy them.
pub const MAX_INLINE_STRING: usize = 255;

/// Longest text put together piece by piece that is copied into its string; what is longer becomes the string as it lies.
pub const MAX_COPIED_TEXT: usize = 4 << 10;

/// Stack slots of one coroutine, as `LUAI_MAXSTACK` in 5.3: deeper recursion is "stack overflow".
pub const MAX_STACK: usize = 1_000_000;

/// Stack slots beyond [`MAX_STACK`] for handlers that run because of a stack overflow (`EXTRA` of 5.3's error handling).
pub const STACK_RESERVE: usize = 4_000;

/// First stack of a coroutine, in slots of 16 bytes. Small, because there may be very many.
pub const DEFAULT_STACK: usize = 32;

/// Coroutines resuming each other, as the native stack bounds it in 5.3 (`LUAI_MAXCCALLS`).
pub const MAX_NESTED_RESUMES: u32 = 195;

/// No collection below this many bytes in use: a small process should rather end than collect.
pub const MIN_GC_THRESHOLD: usize = 64 << 10;

/// Default `setpause`: the next collection starts when memory in use has grown to this percentage of what survived.
pub const DEFAULT_GC_PAUSE: i64 = 200;

/// Default `setstepmul`, kept only to be answered: the collector is not paced by steps.
pub const DEFAULT_GC_STEPMUL: i64 = 200;

/// Largest block taken from size classes for table parts; larger ones come from the system allocator.
pub const MAX_CLASS_BUFFER: usize = 512;

/// Cells (1 KiB) of a small process that hold objects of any size: with cells per size class it would hold mostly air.
pub const MAX_MIXED_CELLS: usize = 4;

/// Memory of a process that waits for its first message, in bytes: the goal that a test guards.
pub const MAX_IDLE_PROCESS: usize = 4096;

/// Cells that a process takes one by one from the program's pool; a larger one has regions of its own.
pub const MAX_POOLED_CELLS: usize = 32;

/// What a process asks of its program's memory ahead of what it needs, a sixteenth of its size, within these bounds.
pub const MIN_AHEAD: usize = 1 << 10;
pub const MAX_AHEAD: usize = 64 << 10;

/// Reductions in which a process that got an error because its program needs memory may give some back.
pub const GRACE: u64 = DEFAULT_SLICE.unsigned_abs() as u64;

/// Collections in the same time: attempts to get more memory, for a process that keeps what it has.
pub const GRACE_COLLECTIONS: u64 = 4;

/// Bytes of waiting messages that the program's memory is counted by: less in one mailbox is not counted.
pub const MAIL_STEP: usize = 1 << 10;

/// Free spans of 512 KiB that the allocator of small blocks keeps for ever: 4 MiB.
pub const SPAN_RESERVE: usize = 8;

/// How long free memory beyond the reserves stays before it goes back to the system, unless somebody needs it.
pub const PURGE_DELAY: Duration = Duration::from_secs(1);

/// Between two steps in which memory goes back.
pub const PURGE_PAUSE: Duration = Duration::from_millis(10);

/// Spans of 512 KiB, and chunks of up to 1 MiB, that go back in one step.
pub const PURGE_STEP: usize = 16;

/// Turns of a worker after which it does what is to be done now and then.
pub const CHORE_TURNS: u32 = 256;

/// Free chunks of up to 1 MiB that the pool of cells keeps for ever: 8 MiB.
pub const CHUNK_RESERVE: usize = 8;

/// Work of one slice of a collection, in slots looked at: about a millisecond. Few under `stress`, so that collections are
/// interrupted everywhere.
pub const COLLECTION_SLICE: isize = if cfg!(feature = "stress") { 1_000 } else { 60_000 };

/// Bytes in a heap whose collection, made at once because memory was refused, ends the slice.
pub const MAX_COLLECTED_AT_ONCE: usize = 256 << 10;

/// Slots of one table or stack that the collector scans at a time.
pub const COLLECTION_CHUNK: usize = 1_024;

/// Links followed from one `__index`/`__newindex` to the next, as `MAXTAGLOOP` in 5.3.
pub const MAX_META_CHAIN: usize = 2_000;

/// Slots of a table, in its array part and its hash part, from which on it makes room in turns: below that it takes no more than
/// some three milliseconds. Few under `stress`, so that tables grow so everywhere.
pub const LARGE_TABLE: usize = if cfg!(feature = "stress") { 32 } else { 1 << 16 };

/// Work of one such turn: about a millisecond.
pub const GROWTH_SLICE: usize = if cfg!(feature = "stress") { 64 } else { 1 << 16 };

/// Bytes of a part of a table that go back to the system at a time: less than a millisecond.
pub const FREED_AT_ONCE: usize = if cfg!(feature = "stress") { 1 << 10 } else { 2 << 20 };

/// Bytes given back to the system for the work of looking at one slot in a collection.
pub const FREED_PER_SLOT: usize = 64;

/// Reductions in one slice of a process: a fraction of a millisecond of ordinary work.
pub const DEFAULT_SLICE: i32 = 10_000;

/// Bytes copied or compared for one reduction.
pub const BYTES_PER_REDUCTION: usize = 64;

/// Digits of a numeral read for one reduction.
pub const DIGITS_PER_REDUCTION: usize = 8;

/// Elements that table functions move or visit between two looks at the budget.
pub const TABLE_PIECE: usize = 1 << 13;

/// Turns in a row that a worker gives to the task woken last before its queue has a turn: enough for a request and its reply to
/// stay on one core, few enough that a pair that never rests takes no more than four fifths of a core from the others.
pub const SLOT_TURNS: u32 = 4;

/// Turns after which a worker with work of its own looks at what came from other threads.
pub const OUTSIDE_TURNS: u32 = 32;

/// Worker threads of one scheduler. More than any machine has cores; protects from typing errors.
pub const MAX_WORKERS: usize = 1024;

/// How long a shutdown waits for turns that are running when everything was killed, in milliseconds. A turn takes about one.
pub const STOP_WAIT_MS: u64 = 5_000;

/// Queued tasks among which a simulation by priorities looks for the first.
pub const ORDER_WINDOW: usize = 64;

/// Stack slots that a native function may use without asking, as `LUA_MINSTACK` in 5.3.
pub const NATIVE_STACK: usize = 20;

/// Message handlers failing inside each other before "error in error handling".
pub const MAX_HANDLER_DEPTH: usize = 20;

/// Constants of one function, as in 5.3 (`MAXARG_Ax`). A pre-scaled wide operand could name twice as many.
pub const MAX_CONSTANTS: usize = (1 << 26) - 1;

/// Items a table constructor collects in registers before storing them, as in 5.3 (`LFIELDS_PER_FLUSH`).
pub const FIELDS_PER_FLUSH: usize = 50;

/// Instructions of one function. Far more than any source makes; keeps jump distances in 32 bits.
pub const MAX_OPCODES: usize = 1 << 30;

/// Instructions of one loop. 5.3 refuses loops that its jumps do not span (2^17 instructions); jumps here do, but a loop pays
/// for its turns and not for their length. Twice as many, because some statements take more instructions here.
pub const MAX_LOOP: u32 = 1 << 18;

/// Captures of one pattern, as in 5.3 (`LUA_MAXCAPTURES`).
pub const MAX_CAPTURES: usize = 32;

/// Choices a pattern match may have open at once, as `MAXCCALLS` of the string library in 5.3: nothing recurses here,
/// but programs see "pattern too complex" at the same patterns.
pub const MAX_MATCH_DEPTH: usize = 200;

/// Bytes of an integer in `string.pack`, as in 5.3 (`MAXINTSIZE`).
pub const MAX_PACK_INT_SIZE: u32 = 16;

/// Bytes an open file holds back before writing them, as the block size that C libraries use.
pub const DEFAULT_WRITE_BUFFER: usize = 4096;

/// Largest buffer that `file:setvbuf` gives a file.
pub const MAX_WRITE_BUFFER: usize = 1 << 20;

/// Bytes read ahead from an open file.
pub const DEFAULT_READ_BUFFER: usize = 8192;

/// Largest piece of a file that is read before the memory limit is asked again.
pub const MAX_READ_PIECE: usize = 16 << 20;

/// Characters of a numeral that `file:read("n")` accepts, as in 5.3 (`L_MAXLENNUM`).
pub const MAX_READ_NUMERAL: usize = 200;

/// Formats given to `io.lines`, as in 5.3 (`MAXARGLINE`).
pub const MAX_LINES_FORMATS: usize = 250;

/// Inputs that an interactive session remembers across sessions: weeks of use, a file read in no time.
pub const MAX_HISTORY: usize = 1_000;

/// Bytes that string functions write between two looks at the budget: well under a millisecond of work.
pub const STRING_PIECE: usize = 1 << 18;

/// Units of the pattern matcher (about a byte looked at each) for one reduction.
pub const MATCH_UNITS: usize = 4;

/// Longest result of `string.rep`, as in 5.3 (`MAXSIZE` of the string library).
pub const MAX_REPEATED: usize = i32::MAX as usize;

/// Nodes of one table's hash part, as `MAXHBITS` in 5.3.
pub const MAX_TABLE_NODES: usize = 1 << 30;

/// `package.path` without `LUA_PATH`, as Debian's 5.3 has it.
pub const DEFAULT_LUA_PATH: &str = "/usr/local/share/lua/5.3/?.lua;/usr/local/share/lua/5.3/?/init.lua;\
    /usr/local/lib/lua/5.3/?.lua;/usr/local/lib/lua/5.3/?/init.lua;\
    /usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua;./?.lua;./?/init.lua";

/// Functions that an error object remembers, innermost first.
pub const MAX_ERROR_FRAMES: usize = 64;

/// Slices that the `__tostring` of an uncaught error may take before the error is shown without it.
pub const MAX_DISPLAY_SLICES: u32 = 1_000;

/// Bytes in the name of a fixed time zone: layouts repeat it.
pub const MAX_ZONE_NAME: usize = 255;

/// Tables inside each other in the details of an error.
pub const MAX_DETAIL_DEPTH: usize = 100;

/// Values in the details of one error: a table that is in it twice is copied twice, and so on.
pub const MAX_DETAIL_VALUES: usize = 1 << 18;

/// Coroutines listed one by one in the report of a deadlock: more help nobody.
pub const MAX_DEADLOCK_LINES: usize = 1_000;

/// Calls from native functions into Lua that may be active inside each other in one coroutine. 5.3 stops at 200 (`LUAI_MAXCCALLS`)
/// because each takes native stack; here only memory and quadratic work in such chains count.
pub const MAX_NATIVE_CALLS: u32 = 4_000;

/// Tables of one message that are found by searching a list; with more of them a hash table is quicker.
pub const PARCEL_TABLES_SEARCHED: usize = 8;

/// Bytes of files with their code that a program keeps for all its processes: some thousand modules.
pub const MAX_PUBLISHED_FILES: usize = 64 << 20;

/// Files that only one process has loaded so far, as far as they are noted.
pub const MAX_NOTED_FILES: usize = 4_096;

/// Types inside each other in one pool of types: what the syntax allows, and some more around it.
pub const MAX_TYPE_DEPTH: usize = 256;

/// Levels of a value that a type looks into: deeper ones, and values that contain themselves, are refused.
pub const MAX_VALUE_LEVELS: usize = 64;

/// Tokens looked at to find out what a sign in a conditional type means.
pub const MAX_SYNTAX_LOOKAHEAD: usize = 1_000;

/// Steps taken to find out how two types relate or what one means: generous for real types, a few milliseconds at most.
pub const MAX_TYPE_STEPS: usize = 20_000;

/// Arguments, operators, layers and modules that one type is followed through to its structure. Only types without end have more.
pub const MAX_TYPE_TURNS: usize = 256;

/// Steps that all questions about the parts of a type may take together while it is compiled: some, and some for each part that
/// was found, so that a long compilation needs a large type.
pub const MAX_PROGRAM_STEPS: usize = 2 * MAX_TYPE_STEPS;
pub const MAX_STEPS_PER_CHECK: usize = 16;

/// Fields, members and validators in the program of one type. Only types that grow without end when they are expanded have more.
pub const MAX_TYPE_PARTS: usize = 1 << 18;

/// Bytes of compiled types and their patterns that the types of a chunk keep for all processes, for each of them and together, and those
/// of all chunks: types that are written so need less. What is more is on the account of the process.
pub const MAX_KEPT_PER_TYPE: usize = 64 << 10;
pub const MAX_KEPT_BYTES: usize = 32 << 20;
pub const MAX_KEPT_IN_ALL: usize = 128 << 20;

/// Longest text of a type that is kept once a message wanted it.
pub const MAX_KEPT_TEXT: usize = 64;

/// Longest text of a type in messages.
pub const MAX_TYPE_TEXT: usize = 512;

/// Checks in the program of one type. Only types that grow without end when they are expanded have more.
pub const MAX_TYPE_CHECKS: usize = 1 << 16;

/// Generic types made of a type's own aliases while it is compiled. More are made by types that grow without end alone.
pub const MAX_TYPE_INSTANCES: usize = 1_000;

/// Checks made to unroll intersections that are parts of themselves for the same value, which no real type has.
pub const MAX_CHECKS_UNROLLED: usize = 4_096;

/// Members looked at to make unions inside each other one. Only types that grow without end when they are expanded have more.
pub const MAX_UNION_STEPS: usize = 1 << 18;

/// Steps in which a type is compiled at once: what takes no more than some two milliseconds. A larger one is compiled in turns.
pub const MAX_TYPE_COMPILED_AT_ONCE: usize = 1 << 13;

/// Unions, intersections and validated tables that may be open at once while a value is validated.
pub const MAX_OPEN_CHECKS: usize = 1_000;

/// Checks of parts of a value before a validation begins to remember how they end: for less it is not worth a memory.
pub const MAX_FORGOTTEN_CHECKS: usize = if cfg!(feature = "stress") { 4 } else { 4_096 };

/// Unions and validators inside each other that are decided at one go, by recursion.
pub const MAX_LEAF_DEPTH: usize = 8;

/// Checks of all of them together.
pub const MAX_LEAF_COST: usize = 1 << 10;

/// Fields, elements and entries of a value that are looked at without keeping the place.
pub const MAX_GLANCE: usize = if cfg!(feature = "stress") { 2 } else { 256 };

/// Steps, bytes times states of the automaton, of a regular expression on a string that are taken without asking the budget.
pub const MAX_PATTERN_IN_LEAF: usize = 1 << 14;

/// Such steps that are left to `regex` at one go, and paid for: a few milliseconds at worst, far less mostly.
pub const MAX_PATTERN_AT_ONCE: usize = 1 << 20;

/// Size of a compiled regular expression: what takes no more than some ten milliseconds.
pub const MAX_PATTERN_BYTES: usize = 1 << 20;

/// What matching by one thread keeps for a regular expression.
pub const MAX_PATTERN_CACHE: usize = 128 << 10;

/// Repetitions in a regular expression, as in RE2.
pub const MAX_PATTERN_REPEATS: u32 = 1_000;

/// Milliseconds that the other processes of a script have to end when its main process has ended.
pub const SCRIPT_STOP_MS: u64 = 1_000;
