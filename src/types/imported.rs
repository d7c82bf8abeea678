//! Types of other modules in a validation: they are asked for when a value is checked.

use super::compiling::{Lookup, program_of};
use super::program::{CheckId, Import, Program};
use super::term::{Imports, Terms, arity, instance};
use super::validate::{ELEMENTS, Machine, Raised, Step};
use super::value::Loaded;
use crate::bytecode::types::TypeRef;
use crate::limits::MAX_VALUE_LEVELS;
use crate::vm::LuaError;
use crate::vm::native::{Cx, Val};
use std::cell::Cell;
use std::sync::Arc;

/// The modules that are loaded; notes whether a type was asked for that they do not have.
struct Modules<'c, 'gc> {
    loaded: Loaded<'c, 'gc>,
    missing: Cell<bool>,
}

impl Imports for Modules<'_, '_> {
    fn imported(&self, module: &[u8], name: &[u8]) -> Option<TypeRef> {
        let found = self.loaded.imported(module, name);
        self.missing.set(self.missing.get() || found.is_none());
        found
    }
}

impl<'gc> Machine<'gc> {
    /// One more type that leads elsewhere is followed. False if those are too many: they may lead in a circle.
    fn count_import(&mut self) -> bool {
        self.imports += 1;
        self.work += ELEMENTS;
        self.imports <= MAX_VALUE_LEVELS
    }

    /// Keeps the place of a check whose type is being compiled: it is entered anew in the next slice.
    fn wait(
        &mut self,
        (source, program, check): (Val<'gc>, &'gc Program, CheckId),
        value: Val<'gc>,
    ) -> Step<'gc> {
        self.open((source, program, check), value, 0);
        Step::Again
    }

    /// A type of another module, in a check of the type value `source`.
    pub(super) fn import(
        &mut self,
        cx: &mut Cx<'gc>,
        (source, program, check): (Val<'gc>, &'gc Program, CheckId),
        import: &'gc Import,
        value: Val<'gc>,
    ) -> Result<Step<'gc>, LuaError> {
        if !self.count_import() {
            return Ok(Step::Failed(Raised::Depth));
        }
        let mut found = super::value::exported(
            cx,
            (import.module_hash, &import.module),
            (import.name_hash, &import.name),
        );
        if let Some(handle) = found.as_type()
            && !import.args.is_empty()
        {
            if arity(handle.ty()) != import.args.len() {
                // As a wrong number of arguments counts everywhere.
                return Ok(Step::Passed);
            }
            found = Self::instance(cx, source, handle.ty(), import)?;
        }
        Ok(match (program_of(cx, found, &mut self.compiling)?, &import.builtin) {
            (Lookup::Known(program), _) => Step::Enter { source: found, program, check: 0, value },
            (Lookup::Later, _) => self.wait((source, program, check), value),
            (Lookup::NoType, Some(name)) if super::program::is_object(value, name) => Step::Passed,
            (Lookup::NoType, Some(_)) => Step::Failed(Raised::Mismatch(source, check, value)),
            (Lookup::NoType, None) => Step::Failed(Raised::Unresolved(source, check)),
        })
    }

    /// A type that is known now that the modules it is made from may be loaded: found out once and kept with `source`.
    pub(super) fn deferred(
        &mut self,
        cx: &mut Cx<'gc>,
        (source, program, check): (Val<'gc>, &'gc Program, CheckId),
        ty: &'gc TypeRef,
        value: Val<'gc>,
    ) -> Result<Step<'gc>, LuaError> {
        if !self.count_import() {
            return Ok(Step::Failed(Raised::Depth));
        }
        let key = Val::light(std::ptr::from_ref(ty) as usize);
        let mut found = cx.member(source, key);
        if found.as_type().is_none() {
            let (structure, missing) = {
                let modules = Modules { loaded: Loaded(cx), missing: Cell::new(false) };
                let terms = Terms::new(&modules);
                let structure = terms.expand(ty);
                self.work += terms.steps_done();
                (terms.has_steps().then_some(structure), modules.missing.get())
            };
            if missing {
                return Ok(Step::Failed(Raised::Unresolved(source, check)));
            }
            let Some(structure) = structure else { return Ok(Step::Failed(Raised::Depth)) };
            found = cx.type_value(&structure)?;
            cx.keep_member(source, key, found)?;
        }
        Ok(match program_of(cx, found, &mut self.compiling)? {
            Lookup::Known(program) => Step::Enter { source: found, program, check: 0, value },
            Lookup::Later => self.wait((source, program, check), value),
            Lookup::NoType => Step::Passed,
        })
    }

    /// The imported generic type with its arguments: made once and kept with the type that wants it, whose program holds
    /// `import`.
    fn instance(
        cx: &mut Cx<'gc>,
        source: Val<'gc>,
        generic: &TypeRef,
        import: &'gc Import,
    ) -> Result<Val<'gc>, LuaError> {
        let key = Val::light(std::ptr::from_ref(import) as usize);
        let kept = cx.member(source, key);
        if let Some(handle) = kept.as_type()
            && Arc::ptr_eq(&handle.ty().pool, &generic.pool)
            && handle.ty().id == generic.id
        {
            return Ok(kept);
        }
        let made = cx.type_value(&instance(generic, import.args.to_vec()))?;
        cx.keep_member(source, key, made)?;
        Ok(made)
    }
}
