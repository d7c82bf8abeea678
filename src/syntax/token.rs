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
    /// A name or a keyword: `lexer::words` knows which.
    #[regex("[A-Za-z_][A-Za-z0-9_]*")]
    Word,
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

    /// Whether a token of this kind, which is no name and no `>=`, is the same wherever it stands.
    #[inline]
    #[must_use]
    pub const fn is_plain(self) -> bool {
        const DEPEND: u64 = 1 << Kind::Question as u8
            | 1 << Kind::Colon as u8
            | 1 << Kind::AtName as u8
            | 1 << Kind::Dots as u8
            | 1 << Kind::Label as u8;
        DEPEND.wrapping_shr(self as u32) & 1 == 0
    }
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

/// The words that are never names, with their terminals and values; interned behind the soft words.
pub const KEYWORDS: [(&[u8], Kind, u32); 22] = [
    (b"and", Kind::BinOp, BinaryOp::And as u32),
    (b"break", Kind::Break, 0),
    (b"do", Kind::Do, 0),
    (b"else", Kind::Else, 0),
    (b"elseif", Kind::Elseif, 0),
    (b"end", Kind::End, 0),
    (b"false", Kind::Literal, 2),
    (b"for", Kind::For, 0),
    (b"function", Kind::Function, 0),
    (b"goto", Kind::Goto, 0),
    (b"if", Kind::If, 0),
    (b"in", Kind::In, 0),
    (b"local", Kind::Local, 0),
    (b"nil", Kind::Literal, 0),
    (b"not", Kind::UnOp, UnaryOp::Not as u32),
    (b"or", Kind::BinOp, BinaryOp::Or as u32),
    (b"repeat", Kind::Repeat, 0),
    (b"return", Kind::Return, 0),
    (b"then", Kind::Then, 0),
    (b"true", Kind::Literal, 1),
    (b"until", Kind::Until, 0),
    (b"while", Kind::While, 0),
];

/// Symbols below this are those of soft words and keywords.
pub const COUNT_OF_WORDS: u32 = (SOFT_WORDS.len() + KEYWORDS.len()) as u32;

/// Terminal and value of the words of the language, by symbol.
pub static WORDS: [(Kind, u32); COUNT_OF_WORDS as usize] = {
    let mut words = [(Kind::Name, 0); COUNT_OF_WORDS as usize];
    let mut symbol = 0;
    while symbol < words.len() {
        words[symbol] = match symbol.checked_sub(SOFT_WORDS.len()) {
            None => (Kind::Name, symbol as u32),
            Some(keyword) => (KEYWORDS[keyword].1, KEYWORDS[keyword].2),
        };
        symbol += 1;
    }
    words
};

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
