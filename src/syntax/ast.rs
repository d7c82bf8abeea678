//! The syntax tree, allocated in one `bumpalo` arena per chunk and dropped with it as a whole.
//!
//! 1. Nodes hold only arena references and plain data, so dropping a tree never recurses.
//! 2. Nesting depth of blocks, functions and expressions is limited by the parser (`limits::MAX_SYNTAX_LEVELS`), so
//!    consumers may recurse over nesting. Long *chains* are not nesting: `a + a + a …` leans to the left without limit
//!    (walk left spines in a loop), `a .. b .. c` and `a ^ b ^ c` lean to the right and count as nesting, and so does
//!    each suffix chain only through its arguments, never through its length.
//! 3. `elseif` arms are one flat slice.

use crate::diag::Span;

/// An interned name: index into [`Chunk::names`]. Equal symbols are equal byte strings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct Symbol(pub u32);

/// A name at a place in the source.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    pub sym: Symbol,
    pub span: Span,
}

/// A parsed source file, or a piece of one: some of its statements.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    pub block: &'a Block<'a>,
    /// Bytes of each [`Symbol`].
    pub names: &'a [&'a [u8]],
    /// The text so far has a name `typeof`.
    pub has_typeof: bool,
}

/// A sequence of statements. A `return` can only be the last one.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    pub stats: &'a [Stat<'a>],
    /// From the first token of the block to the start of the token that closes it (`end`, `until`, `else`, `<eof>` …).
    /// `span.end` is the offset of the closing token: its line is where 5.3 reports the implicit jumps and returns.
    pub span: Span,
}

#[derive(Clone, Copy, Debug)]
pub struct Stat<'a> {
    pub kind: StatKind<'a>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug)]
pub enum StatKind<'a> {
    /// A call as a statement; the expression is `Call` or `MethodCall`.
    Call(&'a Expr<'a>),
    Local {
        names: &'a [TypedName<'a>],
        exprs: &'a [Expr<'a>],
    },
    /// Targets are `Name`, `Index` or `Field` expressions without parentheses.
    Assign {
        targets: &'a [Expr<'a>],
        exprs: &'a [Expr<'a>],
    },
    Do(&'a Block<'a>),
    While {
        cond: &'a Expr<'a>,
        body: &'a Block<'a>,
    },
    Repeat {
        body: &'a Block<'a>,
        cond: &'a Expr<'a>,
    },
    /// `if`/`elseif` arms in order, then `else`.
    If {
        arms: &'a [Arm<'a>],
        otherwise: Option<&'a Block<'a>>,
    },
    NumericFor(&'a NumericFor<'a>),
    GenericFor {
        names: &'a [Name],
        exprs: &'a [Expr<'a>],
        body: &'a Block<'a>,
    },
    /// `function a.b.c:m() … end`. `target` is the `Name`/`Field` expression assigned to (the method name included as
    /// its last `Field`); a method's implicit `self` is already the first parameter of `func`.
    Function {
        target: &'a Expr<'a>,
        func: &'a Function<'a>,
    },
    LocalFunction {
        name: Name,
        func: &'a Function<'a>,
    },
    Return(&'a [Expr<'a>]),
    Break,
    Goto(Name),
    Label(Name),
    TypeAlias(&'a TypeAlias<'a>),
    Interface(&'a Interface<'a>),
}

#[derive(Clone, Copy, Debug)]
pub struct Arm<'a> {
    pub cond: &'a Expr<'a>,
    pub body: &'a Block<'a>,
    /// Offset of the arm's `then`.
    pub then: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct NumericFor<'a> {
    pub var: Name,
    pub start: Expr<'a>,
    pub limit: Expr<'a>,
    pub step: Option<Expr<'a>>,
    pub body: &'a Block<'a>,
}

/// A local or parameter with its optional annotation.
#[derive(Clone, Copy, Debug)]
pub struct TypedName<'a> {
    pub name: Name,
    pub ty: Option<&'a Type<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Function<'a> {
    pub generics: &'a [TypeParam<'a>],
    /// Includes the implicit `self` of a method.
    pub params: &'a [TypedName<'a>],
    pub is_method: bool,
    pub is_vararg: bool,
    pub vararg_ty: Option<&'a Type<'a>>,
    pub returns: Option<&'a Returns<'a>>,
    pub body: &'a Block<'a>,
    /// From the `function` keyword to the end of its `end`.
    pub span: Span,
    /// Span of the closing `end` keyword.
    pub end: Span,
}

#[derive(Clone, Copy, Debug)]
pub struct Expr<'a> {
    pub kind: ExprKind<'a>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug)]
pub enum ExprKind<'a> {
    Nil,
    True,
    False,
    Vararg,
    Integer(i64),
    Float(f64),
    /// Decoded bytes.
    String(&'a &'a [u8]),
    Name(Symbol),
    Function(&'a Function<'a>),
    Table(&'a &'a [TableItem<'a>]),
    /// `obj[key]`
    Index(&'a (Expr<'a>, Expr<'a>)),
    /// `obj.name`
    Field(&'a (Expr<'a>, Name)),
    Call(&'a Call<'a>),
    MethodCall(&'a MethodCall<'a>),
    /// `(e)`: truncates to one value and is not assignable.
    Paren(&'a Expr<'a>),
    Unary(UnaryOp, &'a Expr<'a>),
    /// The operator's own offset is where 5.3 puts the line of its errors.
    Binary(BinaryOp, &'a Binary<'a>),
    /// `e as T`, `e :: T`: the value of `e`, truncated to one result.
    Cast(&'a (Expr<'a>, Type<'a>)),
    /// `e!`: the value of `e`, truncated to one result.
    NonNil(&'a Expr<'a>),
}

#[derive(Clone, Copy, Debug)]
pub struct Binary<'a> {
    pub left: Expr<'a>,
    pub right: Expr<'a>,
    /// Byte offset of the operator token.
    pub at: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub func: Expr<'a>,
    pub args: &'a [Expr<'a>],
    /// Byte offset of the opening `(` (or of the string or table argument): 5.3 attributes a call to the line where
    /// its *function expression* was parsed, see `compiler::expr`.
    pub at: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct MethodCall<'a> {
    pub object: Expr<'a>,
    pub method: Name,
    pub args: &'a [Expr<'a>],
    pub at: u32,
}

#[derive(Clone, Copy, Debug)]
pub enum TableItem<'a> {
    Positional(Expr<'a>),
    Named(Name, Expr<'a>),
    Keyed(Expr<'a>, Expr<'a>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnaryOp {
    Neg,
    Not,
    Len,
    BNot,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    IDiv,
    Mod,
    Pow,
    Concat,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
    BAnd,
    BOr,
    BXor,
    Shl,
    Shr,
}

impl UnaryOp {
    /// Bytes of the operator as it is written.
    #[must_use]
    pub const fn length(self) -> u32 {
        match self {
            Self::Neg | Self::Len | Self::BNot => 1,
            Self::Not => 3,
        }
    }
}

impl BinaryOp {
    /// Bytes of the operator as it is written.
    #[must_use]
    pub const fn length(self) -> u32 {
        match self {
            Self::Add | Self::Sub | Self::Mul | Self::Div | Self::Mod | Self::Pow => 1,
            Self::Lt | Self::Gt | Self::BAnd | Self::BOr | Self::BXor => 1,
            Self::IDiv | Self::Concat | Self::Eq | Self::Ne | Self::Le | Self::Ge => 2,
            Self::Or | Self::Shl | Self::Shr => 2,
            Self::And => 3,
        }
    }
}

// ---- types (spec/types.md sections 1 and 2) ----

#[derive(Clone, Copy, Debug)]
pub struct TypeAlias<'a> {
    pub name: Name,
    pub params: &'a [TypeParam<'a>],
    pub ty: Type<'a>,
}

#[derive(Clone, Copy, Debug)]
pub struct Interface<'a> {
    pub name: Name,
    pub bases: &'a [QName],
    pub sigs: &'a [Sig<'a>],
}

/// A method signature inside an `interface` statement.
#[derive(Clone, Copy, Debug)]
pub struct Sig<'a> {
    pub name: Name,
    pub params: &'a [TypedName<'a>],
    pub returns: Option<&'a Returns<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub struct TypeParam<'a> {
    pub name: Name,
    pub bound: Option<&'a Type<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub enum Returns<'a> {
    /// `: A`, `: A, B`, `: ()`, `: (A, B)`.
    List(&'a [Type<'a>]),
    /// `: asserts name` / `: asserts name is T`.
    Asserts(Name, Option<&'a Type<'a>>),
}

/// `Name` or `mod.Name`.
#[derive(Clone, Copy, Debug)]
pub struct QName {
    pub module: Option<Name>,
    pub name: Name,
}

#[derive(Clone, Copy, Debug)]
pub struct Type<'a> {
    pub kind: TypeKind<'a>,
    pub span: Span,
    /// How deep the type nests, at most `limits::MAX_SYNTAX_LEVELS`. The left spine of a chain of `|` and `&` does not
    /// count and has no limit: walk it in a loop.
    pub depth: u8,
}

#[derive(Clone, Copy, Debug)]
pub enum TypeKind<'a> {
    Nil,
    True,
    False,
    String(&'a &'a [u8]),
    Integer(i64),
    Float(f64),
    Named(&'a NamedType<'a>),
    Record(&'a RecordType<'a>),
    Array(&'a Type<'a>),
    Map(&'a (Type<'a>, Type<'a>)),
    /// `interface { … }`.
    Interface(&'a RecordType<'a>),
    Readonly(&'a Type<'a>),
    Function(&'a FunctionType<'a>),
    /// Bare `fun` without a signature.
    AnyFunction,
    Typeof(&'a Expr<'a>),
    Keyof(&'a Type<'a>),
    Optional(&'a Type<'a>),
    /// `T[]`.
    ArrayOf(&'a Type<'a>),
    /// `T[K]`.
    Indexed(&'a (Type<'a>, Type<'a>)),
    Annotated(&'a Annotated<'a>),
    Union(&'a (Type<'a>, Type<'a>)),
    Intersection(&'a (Type<'a>, Type<'a>)),
    Conditional(&'a Conditional<'a>),
}

#[derive(Clone, Copy, Debug)]
pub struct NamedType<'a> {
    pub name: QName,
    pub args: &'a [Type<'a>],
}

#[derive(Clone, Copy, Debug)]
pub struct RecordType<'a> {
    pub fields: &'a [TypeField<'a>],
}

#[derive(Clone, Copy, Debug)]
pub struct TypeField<'a> {
    pub name: Name,
    pub optional: bool,
    pub ty: Type<'a>,
}

#[derive(Clone, Copy, Debug)]
pub struct FunctionType<'a> {
    pub params: &'a [ParamType<'a>],
    pub vararg: Option<&'a Type<'a>>,
    /// `None` only for `fun(…)` without a return annotation.
    pub returns: Option<&'a [Type<'a>]>,
}

#[derive(Clone, Copy, Debug)]
pub struct ParamType<'a> {
    pub name: Option<Name>,
    pub ty: Type<'a>,
}

/// `T @name(args)`.
#[derive(Clone, Copy, Debug)]
pub struct Annotated<'a> {
    pub ty: Type<'a>,
    pub name: Name,
    pub args: &'a [Literal<'a>],
}

#[derive(Clone, Copy, Debug)]
pub enum Literal<'a> {
    Nil,
    True,
    False,
    Integer(i64),
    Float(f64),
    String(&'a [u8]),
}

#[derive(Clone, Copy, Debug)]
pub struct Conditional<'a> {
    pub subject: Type<'a>,
    pub extends: Type<'a>,
    pub then: Type<'a>,
    pub otherwise: Type<'a>,
}
