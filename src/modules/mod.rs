//! What `require` finds besides files: the built-in modules, one file or folder each.
//!
//! A module's table is made when a process first asks for it, is read-only, and is the same at every later request.

pub mod time;

use crate::vm::native::{Class, Cx, Native, Step, Tab, Val};
use crate::vm::{LuaError, Vm};

/// A built-in module.
pub struct Module {
    pub name: &'static str,
    /// Makes the table, which [`Module::table`] makes read-only.
    pub open: for<'gc> fn(&mut Cx<'gc>) -> Result<Tab<'gc>, LuaError>,
    /// Of the values that its functions make.
    pub classes: &'static [&'static Class],
}

/// All modules, by name.
pub static MODULES: [Module; 1] = [Module { name: "time", open: time::open, classes: &time::CLASSES }];

/// The module with this name.
#[must_use]
pub fn find(name: &[u8]) -> Option<&'static Module> {
    MODULES.iter().find(|module| module.name.as_bytes() == name)
}

impl Module {
    /// The module's table in this process.
    ///
    /// # Errors
    /// Memory.
    pub fn table<'gc>(&'static self, cx: &mut Cx<'gc>) -> Result<Tab<'gc>, LuaError> {
        cx.kept(self, |cx| {
            let content = (self.open)(cx)?;
            cx.read_only(content)
        })
    }
}

static SEARCHER: Native = Native::new("searcher_builtin", searcher);
static LOADER: Native = Native::new("loader_builtin", loader);

/// Adds the last searcher of a plain script: `require` finds built-in modules behind everything else.
///
/// # Errors
/// Memory.
pub fn add_searcher(vm: &mut Vm) -> Result<(), LuaError> {
    vm.with_context(|cx| {
        let package = cx.globals().get_name("package").as_table();
        let searchers = package.and_then(|package| package.get_name("searchers").as_table());
        match searchers {
            Some(searchers) => searchers.set_int(cx, searchers.raw_len() + 1, Val::native(&SEARCHER)),
            None => Ok(()),
        }
    })
}

/// As [`add_searcher`], for libraries that many processes are to share: the modules are made at once.
///
/// # Errors
/// Memory.
pub fn add_all(vm: &mut Vm) -> Result<(), LuaError> {
    add_searcher(vm)?;
    vm.with_context(|cx| {
        for module in &MODULES {
            module.table(cx)?;
            for class in module.classes {
                class.metatable(cx)?;
            }
        }
        Ok(())
    })
}

/// Says nothing about other names: what the reference says about a module that is not found stays as it is.
fn searcher(cx: &mut Cx<'_>) -> Result<Step, LuaError> {
    let name = cx.check_str(0)?;
    if find(name.bytes()).is_none() {
        return Ok(Step::Return(0));
    }
    cx.push(Val::native(&LOADER));
    let place = cx.name(":builtin:");
    cx.push(place);
    Ok(Step::Return(2))
}

fn loader(cx: &mut Cx<'_>) -> Result<Step, LuaError> {
    let name = cx.check_str(0)?;
    let Some(module) = find(name.bytes()) else {
        return Err(LuaError::message([b"no built-in module '", name.bytes(), b"'"].concat()));
    };
    let table = module.table(cx)?;
    cx.ret(table)
}
