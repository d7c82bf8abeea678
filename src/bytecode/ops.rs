//! The instruction set: one table that feeds compiler, verifier, dispatcher, disassembler and fuzzer.
//!
//! `R[x]` is a register of the current frame, `K[x]` a constant, `Up[x]` an upvalue, `H` the hint byte. "skip" means
//! skip the next instruction. Every conditional op is followed by a `Jump` in the next word, which it executes itself
//! when its condition holds (`pc += W` relative to the word after the `Jump`), and steps over when not. So conditional
//! jumps have 32-bit range, are patched in one place, and compile to real branches.

/// What an operand field holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand {
    /// Unused, zero.
    None,
    /// Register written (pre-scaled).
    Dst,
    /// Register read (pre-scaled).
    Src,
    /// First register of a range that is read, written or both; the range is given by the other operands.
    Base,
    /// Any constant (pre-scaled).
    Const,
    /// A string constant of any length (pre-scaled).
    Key,
    /// A number constant (pre-scaled).
    Num,
    /// Upvalue index, raw.
    Up,
    /// Unsigned number, raw.
    Count,
    /// Signed 16-bit number, raw.
    Imm,
    /// Wide: signed jump distance in instructions.
    Jump,
    /// Wide: constant (pre-scaled).
    WideConst,
    /// Wide: signed 32-bit integer value.
    WideInt,
    /// Wide: index of a nested prototype.
    Proto,
}

macro_rules! ops {
    ($( $(#[doc = $doc:literal])* $name:ident { $($field:ident : $kind:ident),* } )*) => {
        /// An operation. The disassembler prints exactly these names.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u8)]
        pub enum Op { $( $(#[doc = $doc])* $name, )* }

        /// Every op, in encoding order.
        pub const ALL: &[Op] = &[ $( Op::$name, )* ];

        impl Op {
            /// Name as the disassembler prints it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Op::$name => stringify!($name), )* }
            }

            /// Operand kinds of A, B, C (or A, W with `C = None`; see [`Op::is_wide`]).
            #[must_use]
            pub const fn operands(self) -> Operands {
                match self { $( Op::$name => {
                    #[allow(unused_mut)]
                    let mut o = Operands { a: Operand::None, b: Operand::None, c: Operand::None, w: Operand::None };
                    $( o.$field = Operand::$kind; )*
                    o
                } )* }
            }
        }

        /// Calls `$cb! { Name Name … }` with every op, for tables that must stay in encoding order.
        macro_rules! for_each_op { ($cb:ident) => { $cb! { $( $name )* } } }
        pub(crate) use for_each_op;
    };
}

/// Operand kinds of one op.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operands {
    pub a: Operand,
    pub b: Operand,
    pub c: Operand,
    pub w: Operand,
}

ops! {
    /// `R[A] = R[B]`
    Move { a: Dst, b: Src }
    /// `R[A] = K[W]`
    LoadK { a: Dst, w: WideConst }
    /// `R[A] = W` as an integer.
    LoadInt { a: Dst, w: WideInt }
    /// `R[A] … R[A+B-1] = nil`; B ≥ 1 is a count.
    LoadNil { a: Base, b: Count }
    /// `R[A] = false`
    LoadFalse { a: Dst }
    /// `R[A] = true`
    LoadTrue { a: Dst }
    /// `R[A] = false`; skip. For comparisons used as values: `LoadFalseSkip; LoadTrue`.
    LoadFalseSkip { a: Dst }

    /// `R[A] = Up[B]`
    GetUpval { a: Dst, b: Up }
    /// `Up[B] = R[A]`
    SetUpval { a: Src, b: Up }
    /// `R[A] = Up[B][K[C]]`: globals. H: name hash.
    GetTabUp { a: Dst, b: Up, c: Key }
    /// `R[A] = R[B][n]`, or type `t` if that is nil; `n`, `t` and exceptions: entry W of the chunk's type values, W from the
    /// `Extra` that follows. No metamethods are called.
    GetType { a: Dst, b: Src }
    /// `Up[B][K[C]] = R[A]`. H: name hash.
    SetTabUp { a: Src, b: Up, c: Key }

    /// `R[A] = {}` with room for B array and C hash entries (both hints, saturated to 65535).
    NewTable { a: Dst, b: Count, c: Count }
    /// `R[A] = R[B][K[C]]`. H: name hash.
    GetField { a: Dst, b: Src, c: Key }
    /// `R[A] = R[B][R[C]]`
    GetIndex { a: Dst, b: Src, c: Src }
    /// `R[A] = Up[B][R[C]]`
    GetUpIndex { a: Dst, b: Up, c: Src }
    /// `R[A] = R[B][C]`, C an integer key 0…65535.
    GetInt { a: Dst, b: Src, c: Count }
    /// `R[A][K[B]] = R[C]`. H: name hash.
    SetField { a: Src, b: Key, c: Src }
    /// `R[A][K[B]] = K[C]`. H: name hash.
    SetFieldK { a: Src, b: Key, c: Const }
    /// `R[A][R[B]] = R[C]`
    SetIndex { a: Src, b: Src, c: Src }
    /// `R[A][R[B]] = K[C]`
    SetIndexK { a: Src, b: Src, c: Const }
    /// `R[A][B] = R[C]`, B an integer key 0…65535.
    SetInt { a: Src, b: Count, c: Src }
    /// `R[A+1] = R[B]; R[A] = R[B][K[C]]`: method look-up. H: name hash.
    Method { a: Base, b: Src, c: Key }
    /// `R[A][s+i] = R[A+i]` for `1 ≤ i ≤ B` (B = 0: up to the top of the stack), `s` = W of the `Extra` that follows.
    /// A raw store: the table comes from a constructor.
    SetList { a: Base, b: Count }
    /// Operand of the instruction before it; never executed.
    Extra { w: WideInt }

    /// `R[A] = R[B] + R[C]`
    Add { a: Dst, b: Src, c: Src }
    Sub { a: Dst, b: Src, c: Src }
    Mul { a: Dst, b: Src, c: Src }
    Div { a: Dst, b: Src, c: Src }
    Mod { a: Dst, b: Src, c: Src }
    Pow { a: Dst, b: Src, c: Src }
    IDiv { a: Dst, b: Src, c: Src }
    BAnd { a: Dst, b: Src, c: Src }
    BOr { a: Dst, b: Src, c: Src }
    BXor { a: Dst, b: Src, c: Src }
    Shl { a: Dst, b: Src, c: Src }
    Shr { a: Dst, b: Src, c: Src }
    /// `R[A] = R[B] + K[C]`, K a number. H = 1: the source had the operands the other way round (`K + R`; only for
    /// commutative ops), which metamethods and messages must respect.
    AddK { a: Dst, b: Src, c: Num }
    SubK { a: Dst, b: Src, c: Num }
    MulK { a: Dst, b: Src, c: Num }
    DivK { a: Dst, b: Src, c: Num }
    ModK { a: Dst, b: Src, c: Num }
    PowK { a: Dst, b: Src, c: Num }
    IDivK { a: Dst, b: Src, c: Num }
    BAndK { a: Dst, b: Src, c: Num }
    BOrK { a: Dst, b: Src, c: Num }
    BXorK { a: Dst, b: Src, c: Num }
    /// `R[A] = R[B] + C`, C a signed integer. H = 0: source was `R + C`; 1: `C + R`; 2: `R - (-C)`, a subtraction.
    AddI { a: Dst, b: Src, c: Imm }
    /// `R[A] = R[B] << C` (C negative: to the right). H = 0: source was `R << C`; 1: `R >> -C`.
    ShlI { a: Dst, b: Src, c: Imm }
    /// `R[A] = K[C] - R[B]` and the like: constant on the left.
    KSub { a: Dst, b: Src, c: Num }
    KDiv { a: Dst, b: Src, c: Num }
    KPow { a: Dst, b: Src, c: Num }
    /// `R[A] = -R[B]`
    Neg { a: Dst, b: Src }
    /// `R[A] = ~R[B]`
    BNot { a: Dst, b: Src }
    /// `R[A] = not R[B]`
    Not { a: Dst, b: Src }
    /// `R[A] = #R[B]`
    Len { a: Dst, b: Src }
    /// `R[A] = R[B] .. … .. R[B+C-1]`; C ≥ 2 is a count. The operands are scratch registers.
    Concat { a: Dst, b: Base, c: Count }

    /// `pc += W`, forwards (or backwards out of no loop).
    Jump { w: Jump }
    /// `pc += W`, backwards: pays one reduction.
    JumpBack { w: Jump }
    /// Close all upvalues `≥ R[A]`.
    Close { a: Base }
    /// Jump if `R[A]` is neither nil nor false.
    JumpIf { a: Src }
    /// Jump if `R[A]` is nil or false.
    JumpIfNot { a: Src }
    /// If `R[B]` is true-ish: `R[A] = R[B]` and jump.
    SetJumpIf { a: Dst, b: Src }
    /// If `R[B]` is nil or false: `R[A] = R[B]` and jump.
    SetJumpIfNot { a: Dst, b: Src }
    /// Jump if `R[A] == R[B]`.
    JumpEq { a: Src, b: Src }
    JumpNe { a: Src, b: Src }
    /// Jump if `R[A] == K[B]` (any constant). H = 1: the source had the constant on the left.
    JumpEqK { a: Src, b: Const }
    JumpNeK { a: Src, b: Const }
    /// Jump if `R[A] < R[B]`; `a > b` is compiled as `b < a`, as 5.3 does.
    JumpLt { a: Src, b: Src }
    /// Jump unless `R[A] < R[B]` (not the same as `>=` for NaN).
    JumpNotLt { a: Src, b: Src }
    JumpLe { a: Src, b: Src }
    JumpNotLe { a: Src, b: Src }
    /// Jump if `R[A] < B`, B a signed integer. H = 1: the source compared a *float* constant of that value.
    JumpLtI { a: Src, b: Imm }
    JumpNotLtI { a: Src, b: Imm }
    JumpLeI { a: Src, b: Imm }
    JumpNotLeI { a: Src, b: Imm }
    /// Jump if `R[A] > B` (source: `B < R[A]` or `R[A] > B`).
    JumpGtI { a: Src, b: Imm }
    JumpNotGtI { a: Src, b: Imm }
    JumpGeI { a: Src, b: Imm }
    JumpNotGeI { a: Src, b: Imm }

    /// Prepares `R[A]` start, `R[A+1]` limit, `R[A+2]` step; runs the body with `R[A+3]` as the variable, or jumps by W to the
    /// instruction after the loop's `ForLoop` if there is no iteration. After preparation of an integer loop `R[A+1]`
    /// holds the number of iterations left (unsigned).
    ForPrep { a: Base, w: Jump }
    /// Next iteration: updates `R[A]` and `R[A+3]` and jumps by W (negative, to the first body instruction), or falls
    /// through. Pays one reduction.
    ForLoop { a: Base, w: Jump }
    /// `R[A+3] … R[A+2+C] = R[A](R[A+1], R[A+2])`. Always followed by `GenericLoop` with the same A.
    GenericCall { a: Base, c: Count }
    /// If `R[A+3]` is not nil: `R[A+2] = R[A+3]` and jump by W (negative). Pays one reduction.
    GenericLoop { a: Base, w: Jump }

    /// `R[A] …  = R[A](R[A+1] … R[A+B-1])`; B = 0: arguments up to the top of the stack. C - 1 results are wanted
    /// (C = 0: all of them, up to the new top of the stack).
    Call { a: Base, b: Count, c: Count }
    /// `return R[A](R[A+1] … R[A+B-1])`, B as in `Call`. H = 1: the frame has upvalues to close first.
    TailCall { a: Base, b: Count }
    /// `return R[A] … R[A+B-2]`; B = 0: up to the top of the stack. H as in `TailCall`.
    Return { a: Base, b: Count }
    /// `return`, nothing to close.
    Return0 { }
    /// `return R[A]`, nothing to close.
    Return1 { a: Src }
    /// `R[A] … R[A+B-2] = ...`; B = 0: all of them, up to the new top of the stack.
    Vararg { a: Base, b: Count }
    /// `R[A] = closure(proto[W])`
    Closure { a: Dst, w: Proto }
}

impl Op {
    /// Decodes an op byte.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        if (byte as usize) < ALL.len() { Some(ALL[byte as usize]) } else { None }
    }

    /// True if the op is followed by a `Jump` word that belongs to it.
    #[must_use]
    pub const fn is_conditional(self) -> bool {
        let n = self as u8;
        n >= Op::JumpIf as u8 && n <= Op::JumpNotGeI as u8
    }

    /// True if B and C form one wide operand.
    #[must_use]
    pub const fn is_wide(self) -> bool {
        !matches!(self.operands().w, Operand::None)
    }
}
