//! The raw tokens, recognised by `logos` over bytes, and the terminals the grammar sees.
//!
//! 1. [`Raw`] is what a place in the text looks like; `lexer` completes strings, long brackets, comments and numerals.
//! 2. [`Kind`] is what the grammar decides by: operators without a second meaning share one terminal, and a word with
//!    a meaning only in some places has a terminal of its own only there.

use logos::Logos;

use super::ast::{BinaryOp, UnaryOp};

/// Text shapes. Openers (`Quote`, `LongOpen`, `Comment`, `Numeral`) cover only their first bytes.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(utf8 = false)]
#[logos(skip "[ \t\r\n\x0b\x0c]+")]
pub enum Raw {
    #[regex("[A-Za-z_][A-Za-z0-9_]*")]
    Name,
    #[token("\"")]
    #[token("'")]
    Quote,
    #[regex(r"\[=*\[")]
    LongOpen,
    /// `[=` that opens nothing.
    #[regex(r"\[=+", priority = 1)]
    BadLong,
    #[token("--")]
    Comment,
    #[regex(r"\.?[0-9]")]
    Numeral,
    #[regex(r"::[ \t]*[A-Za-z_][A-Za-z0-9_]*[ \t]*::")]
    Label,
    #[regex(r"@[ \t]*[A-Za-z_][A-Za-z0-9_]*")]
    AtName,

    #[token("and")]
    And,
    #[token("break")]
    Break,
    #[token("do")]
    Do,
    #[token("else")]
    Else,
    #[token("elseif")]
    Elseif,
    #[token("end")]
    End,
    #[token("false")]
    False,
    #[token("for")]
    For,
    #[token("function")]
    Function,
    #[token("goto")]
    Goto,
    #[token("if")]
    If,
    #[token("in")]
    In,
    #[token("local")]
    Local,
    #[token("nil")]
    Nil,
    #[token("not")]
    Not,
    #[token("or")]
    Or,
    #[token("repeat")]
    Repeat,
    #[token("return")]
    Return,
    #[token("then")]
    Then,
    #[token("true")]
    True,
    #[token("until")]
    Until,
    #[token("while")]
    While,

    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("//")]
    SlashSlash,
    #[token("%")]
    Percent,
    #[token("^")]
    Caret,
    #[token("#")]
    Hash,
    #[token("&")]
    Ampersand,
    #[token("~")]
    Tilde,
    #[token("|")]
    Bar,
    #[token("<<")]
    ShiftLeft,
    #[token("==")]
    Equal,
    #[token("~=")]
    NotEqual,
    #[token("<=")]
    LessEqual,
    #[token(">=")]
    GreaterEqual,
    #[token("<")]
    Less,
    #[token(">")]
    Greater,
    #[token("=")]
    Assign,
    #[token("(")]
    LParen,
    #[token(")")]
    RParen,
    #[token("{")]
    LBrace,
    #[token("}")]
    RBrace,
    #[token("[")]
    LBracket,
    #[token("]")]
    RBracket,
    #[token("::")]
    DoubleColon,
    #[token(";")]
    Semicolon,
    #[token(":")]
    Colon,
    #[token(",")]
    Comma,
    #[token(".")]
    Dot,
    #[token("..")]
    Concat,
    #[token("...")]
    Dots,
    #[token("->")]
    Arrow,
    #[token("?")]
    Question,
    #[token("!")]
    Bang,
    /// A byte that starts no token.
    #[regex("(?s-u:.)", priority = 0)]
    Unknown,
}

/// Terminals. The ones up to [`Kind::LAST_STRUCTURAL`] open, continue or close a construct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    LParen,
    RParen,
    LBrace,
    RBrace,
    LBracket,
    RBracket,
    Do,
    Else,
    Elseif,
    End,
    For,
    Function,
    If,
    In,
    Repeat,
    Return,
    Then,
    Until,
    While,
    Local,
    Semicolon,
    Interface,
    QuestionCond,
    Assign,

    Name,
    /// `val` indexes the decoded strings.
    String,
    /// `val` is the integer itself, or an index into the numbers if [`LARGE_NUMBER`] is set.
    Number,
    /// `nil`, `true`, `false`: `val` is 0, 1, 2.
    Literal,
    Dots,
    Break,
    Goto,
    Label,
    /// `val` is the [`BinaryOp`].
    BinOp,
    /// `not` and `#`; `val` is the [`UnaryOp`].
    UnOp,
    Minus,
    Tilde,
    Bar,
    Ampersand,
    Less,
    Greater,
    /// `>` directly before another `>`.
    GreaterAdjacent,
    Dot,
    Colon,
    Comma,
    DoubleColon,
    Arrow,
    Question,
    QuestionColon,
    /// The `:` of a conditional type.
    ColonCond,
    Bang,
    AtName,
    /// `@name` before `(`.
    AtNameCall,
    As,
    Extends,
    Asserts,
    Is,
    Type,
    /// `interface` before `{`.
    InterfaceBrace,
    Typeof,
    Keyof,
    Fun,
    Readonly,
    Unknown,
    Eof,
    /// No token: `lexer` keeps the error. Never handed out.
    Error,
}

impl Kind {
    pub const LAST_STRUCTURAL: Self = Self::Assign;
}

/// Set in the value of a [`Kind::Number`] that is an index.
pub const LARGE_NUMBER: u32 = 1 << 31;

/// A terminal and its value.
#[derive(Clone, Copy, Debug)]
pub struct Tok {
    pub kind: Kind,
    pub val: u32,
}

/// The binary operators in the order of their declaration: `val` of a [`Kind::BinOp`] is an index into this.
pub const BINARY: [BinaryOp; 21] = [
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::Div,
    BinaryOp::IDiv,
    BinaryOp::Mod,
    BinaryOp::Pow,
    BinaryOp::Concat,
    BinaryOp::Eq,
    BinaryOp::Ne,
    BinaryOp::Lt,
    BinaryOp::Le,
    BinaryOp::Gt,
    BinaryOp::Ge,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::BAnd,
    BinaryOp::BOr,
    BinaryOp::BXor,
    BinaryOp::Shl,
    BinaryOp::Shr,
];

/// The unary operators in the order of their declaration: `val` of a [`Kind::UnOp`] is an index into this.
pub const UNARY: [UnaryOp; 4] = [UnaryOp::Neg, UnaryOp::Not, UnaryOp::Len, UnaryOp::BNot];

/// Words with a meaning in some places only; interned first, so their symbols are these numbers.
pub const SOFT_WORDS: [&[u8]; 13] = [
    b"type",
    b"interface",
    b"as",
    b"readonly",
    b"typeof",
    b"keyof",
    b"fun",
    b"extends",
    b"asserts",
    b"is",
    b"self",
    b"any",
    b"_ENV",
];

/// Symbols of the soft words.
pub mod soft {
    pub const TYPE: u32 = 0;
    pub const INTERFACE: u32 = 1;
    pub const AS: u32 = 2;
    pub const READONLY: u32 = 3;
    pub const TYPEOF: u32 = 4;
    pub const KEYOF: u32 = 5;
    pub const FUN: u32 = 6;
    pub const EXTENDS: u32 = 7;
    pub const ASSERTS: u32 = 8;
    pub const IS: u32 = 9;
    /// Symbols below this may be special; the rest never are.
    pub const COUNT: u32 = 10;
    pub const SELF: u32 = 10;
    pub const ANY: u32 = 11;
    pub const ENV: u32 = 12;
}
