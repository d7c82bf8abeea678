//! Validators: what `@min(…)` and the others ask of a value whose type fits.

use super::pattern::Pattern;
use super::program::Verdict;
use crate::bytecode::types::{Annotation, Literal};
use crate::vm::native::{Kind, Kinds, Val};

/// A number in a validator.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    Int(i64),
    Float(f64),
}

impl Bound {
    fn value<'gc>(self) -> Val<'gc> {
        match self {
            Self::Int(i) => Val::int(i),
            Self::Float(f) => Val::float(f),
        }
    }
}

/// A validator.
#[derive(Debug)]
pub enum Constraint {
    Min(Bound),
    Max(Bound),
    MinLen(i64),
    MaxLen(i64),
    Pattern(Pattern),
    /// A pattern that is no string.
    NoPattern,
}

impl Constraint {
    pub(super) fn new(annotation: &Annotation) -> Option<Self> {
        let bound = match annotation.arg {
            Some(Literal::Integer(i)) => Some(Bound::Int(i)),
            Some(Literal::Float(f)) => Some(Bound::Float(f)),
            _ => None,
        };
        let length = bound.and_then(|bound| match bound {
            Bound::Int(i) => (i >= 0).then_some(i),
            // Saturates: no length is that large.
            Bound::Float(f) => (f >= 0.0).then_some(f as i64),
        });
        match &*annotation.name {
            b"min" => bound.map(Self::Min),
            b"max" => bound.map(Self::Max),
            b"min_len" => length.map(Self::MinLen),
            b"max_len" => length.map(Self::MaxLen),
            b"pattern" => Some(match &annotation.arg {
                Some(Literal::String(source)) => Self::Pattern(Pattern::new(source)),
                _ => Self::NoPattern,
            }),
            _ => None,
        }
    }

    /// Its name as it is written.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Min(_) => "min",
            Self::Max(_) => "max",
            Self::MinLen(_) => "min_len",
            Self::MaxLen(_) => "max_len",
            Self::Pattern(_) | Self::NoPattern => "pattern",
        }
    }

    /// What is said of a value that does not meet it.
    #[must_use]
    pub fn message(&self) -> &'static str {
        match self {
            Self::Min(_) => "value below minimum",
            Self::Max(_) => "value above maximum",
            Self::MinLen(_) => "length below minimum",
            Self::MaxLen(_) => "length above maximum",
            Self::Pattern(pattern) if !pattern.is_valid() => "invalid regex",
            Self::Pattern(_) => "pattern mismatch",
            Self::NoPattern => "invalid pattern argument",
        }
    }

    /// Kinds of values that it is about.
    pub(super) const fn concerns(&self) -> Kinds {
        match self {
            Self::Min(_) | Self::Max(_) => Kinds::INTEGER.or(Kinds::FLOAT),
            Self::MinLen(_) | Self::MaxLen(_) => Kinds::STRING.or(Kinds::TABLE),
            Self::Pattern(_) | Self::NoPattern => Kinds::STRING,
        }
    }

    /// Whether the value meets it, or is none that it is about; [`Verdict::Enter`] if a pattern takes more work than is done here, and
    /// added to `work`.
    #[must_use]
    pub fn verdict(&self, v: Val<'_>, work: &mut usize) -> Verdict {
        let meets = match self {
            Self::Min(bound) => !v.is_number() || bound.value().number_at_most(v),
            Self::Max(bound) => !v.is_number() || v.number_at_most(bound.value()),
            Self::MinLen(n) => length(v).is_none_or(|len| len >= *n),
            Self::MaxLen(n) => length(v).is_none_or(|len| len <= *n),
            Self::Pattern(pattern) => match v.as_str().map(|s| pattern.quickly(s.bytes(), work)) {
                None => true,
                Some(Some(matches)) => matches,
                Some(None) => return Verdict::Enter,
            },
            Self::NoPattern => !v.is_string(),
        };
        meets.into()
    }
}

fn length(v: Val<'_>) -> Option<i64> {
    match v.kind() {
        Kind::Str(s) => Some(s.len() as i64),
        Kind::Table(t) => Some(t.raw_len()),
        _ => None,
    }
}
