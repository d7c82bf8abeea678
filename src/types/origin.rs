//! Where the checks of a program come from, and what messages call them.
//!
//! A program holds no types: of each check it knows which part of which other check's type it is about. A message, which is rarely
//! wanted, finds the type again on the way from the whole; that takes the same steps as compiling did. Short texts are kept then.

use super::program::{CheckId, Program};
use super::render;
use super::term::{Imports, Terms};
use crate::bytecode::types::{Primitive, Type, TypeId, TypeRef, primitive};
use crate::limits::{MAX_KEPT_TEXT, MAX_TYPE_TURNS};
use std::cell::Cell;

/// What a check is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The type itself.
    Whole,
    /// This part of the type that a check is about.
    Part(CheckId, TypeId),
    /// What the validators stand behind of the type that a check is about.
    Inner(CheckId),
    /// Nil, which the optionals of a union accept.
    Nil,
}

/// Other modules are looked at only when values are checked; notes that one was asked for.
#[derive(Default)]
pub(super) struct Absent(Cell<bool>);

impl Imports for Absent {
    fn imported(&self, _module: &[u8], _name: &[u8]) -> Option<TypeRef> {
        self.0.set(true);
        None
    }
}

/// A look at types that does not depend on other modules.
pub(super) struct Look<'t> {
    pub(super) terms: &'t Terms<'t>,
    pub(super) absent: &'t Absent,
}

impl Look<'_> {
    /// The structure of a type; `None` if that depends on types of other modules.
    fn expand(&self, ty: &TypeRef) -> Option<TypeRef> {
        self.absent.0.set(false);
        let structure = self.terms.expand(ty);
        // An imported type itself is looked up when a value is checked.
        (!self.absent.0.get() || matches!(structure.node(), Type::Imported(..))).then_some(structure)
    }

    /// The structure of a type that only restricts writing, or of any other; the type that depends on other modules, if that shows.
    pub(super) fn bare(&self, ty: &TypeRef) -> Result<TypeRef, TypeRef> {
        let mut ty = ty.clone();
        for _ in 0..MAX_TYPE_TURNS {
            let Some(structure) = self.expand(&ty) else { return Err(ty) };
            match structure.node() {
                Type::Readonly(inner) => ty = structure.part(*inner),
                _ => return Ok(structure),
            }
        }
        Ok(self.terms.give_up())
    }

    /// The type behind a part, or behind the validators, of a type.
    fn inside(&self, ty: &TypeRef, part: Option<TypeId>) -> Option<TypeRef> {
        let mut ty = self.bare(ty).ok()?;
        match part {
            Some(part) => {
                let mut has = false;
                ty.node().parts(&mut |own| has |= own == part);
                has.then(|| ty.part(part))
            }
            None => {
                while let Type::Annotated(inner, _) = ty.node() {
                    ty = ty.part(*inner);
                }
                Some(ty)
            }
        }
    }

    /// What messages call a type: tables by their name, the others by what they accept.
    fn text(&self, ty: &TypeRef) -> Vec<u8> {
        if self.expand(ty).is_none() {
            return render::text(ty);
        }
        let shape = self.terms.structure(ty);
        match shape.node() {
            Type::Primitive(Primitive::Callable) | Type::Function(_) => b"function".to_vec(),
            Type::Record(_) | Type::Interface(..) if ty.alias().is_some() => render::text(ty),
            _ => render::text(&shape),
        }
    }
}

impl Program {
    /// What a message calls a check; `whole` is the type that was compiled. Adds the steps that it took to `steps`.
    #[must_use]
    pub fn text(&self, check: CheckId, whole: &TypeRef, steps: &mut usize) -> Vec<u8> {
        let kept = &self.texts[check as usize];
        if let Some(kept) = kept.get() {
            return kept.to_vec();
        }
        let text = self.find_text(check, whole, steps);
        if text.len() <= MAX_KEPT_TEXT {
            kept.get_or_init(|| text.as_slice().into());
        }
        text
    }

    fn find_text(&self, check: CheckId, whole: &TypeRef, steps: &mut usize) -> Vec<u8> {
        let mut way = Vec::new();
        let mut at = check;
        loop {
            at = match self.origins[at as usize] {
                Origin::Whole => break,
                Origin::Nil => return Primitive::Nil.name().as_bytes().to_vec(),
                Origin::Part(whole, part) => {
                    way.push(Some(part));
                    whole
                }
                Origin::Inner(whole) => {
                    way.push(None);
                    whole
                }
            };
        }
        let absent = Absent::default();
        let terms = Terms::new(&absent);
        let look = Look { terms: &terms, absent: &absent };
        let inside = |ty: TypeRef, part: &Option<TypeId>| look.inside(&ty, *part);
        let ty = way.iter().rev().try_fold(whole.clone(), inside);
        let text = look.text(&ty.unwrap_or_else(|| primitive(Primitive::Unknown)));
        *steps += terms.steps_done();
        text
    }
}
