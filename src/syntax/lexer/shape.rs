//! What tokens are whose shape alone decides.

use crate::syntax::ast::{BinaryOp, UnaryOp};
use crate::syntax::token::{Kind, Raw};

/// Terminal and value of the tokens that their shape alone decides; [`Kind::Error`] for those that
/// `Lexer::complete` looks at.
pub(super) static SIMPLE: [(Kind, u8); Raw::Unknown as usize + 1] = {
    let mut table = [(Kind::Error, 0); Raw::Unknown as usize + 1];
    let mut raw = 0;
    while raw < RAW.len() {
        table[RAW[raw].0 as usize] = (RAW[raw].1, RAW[raw].2);
        raw += 1;
    }
    table
};

const fn binary(raw: Raw, op: BinaryOp) -> (Raw, Kind, u8) {
    (raw, Kind::BinOp, op as u8)
}

const RAW: &[(Raw, Kind, u8)] = &[
    (Raw::Word, Kind::Name, 0),
    binary(Raw::Plus, BinaryOp::Add),
    binary(Raw::Star, BinaryOp::Mul),
    binary(Raw::Slash, BinaryOp::Div),
    binary(Raw::SlashSlash, BinaryOp::IDiv),
    binary(Raw::Percent, BinaryOp::Mod),
    binary(Raw::Caret, BinaryOp::Pow),
    binary(Raw::ShiftLeft, BinaryOp::Shl),
    binary(Raw::Equal, BinaryOp::Eq),
    binary(Raw::NotEqual, BinaryOp::Ne),
    binary(Raw::LessEqual, BinaryOp::Le),
    binary(Raw::GreaterEqual, BinaryOp::Ge),
    binary(Raw::Concat, BinaryOp::Concat),
    (Raw::Hash, Kind::UnOp, UnaryOp::Len as u8),
    (Raw::Minus, Kind::Minus, 0),
    (Raw::Tilde, Kind::Tilde, 0),
    (Raw::Bar, Kind::Bar, 0),
    (Raw::Ampersand, Kind::Ampersand, 0),
    (Raw::Less, Kind::Less, 0),
    (Raw::Assign, Kind::Assign, 0),
    (Raw::LParen, Kind::LParen, 0),
    (Raw::RParen, Kind::RParen, 0),
    (Raw::LBrace, Kind::LBrace, 0),
    (Raw::RBrace, Kind::RBrace, 0),
    (Raw::LBracket, Kind::LBracket, 0),
    (Raw::RBracket, Kind::RBracket, 0),
    (Raw::DoubleColon, Kind::DoubleColon, 0),
    (Raw::Semicolon, Kind::Semicolon, 0),
    (Raw::Colon, Kind::Colon, 0),
    (Raw::Comma, Kind::Comma, 0),
    (Raw::Dot, Kind::Dot, 0),
    (Raw::Dots, Kind::Dots, 0),
    (Raw::Arrow, Kind::Arrow, 0),
    (Raw::Question, Kind::Question, 0),
];
