//! `require` and the `package` library for plain scripts.
//!
//! `require` and the searchers are native closures over the `package` table, so that a program that replaces fields of it
//! changes what they do. C modules cannot be loaded: their searchers report a file that they find as an error.

use super::Lib;
use crate::limits::DEFAULT_LUA_PATH;
use crate::vm::LuaError;
use crate::vm::native::loading::{Loaded, Origin};
use crate::vm::native::progress::Kept;
use crate::vm::native::{Cx, Native, Step, Tab, Val};

type R = Result<Step, LuaError>;

static LIB: Lib = Lib {
    name: "package",
    functions: &[Native::new("loadlib", loadlib), Native::new("searchpath", searchpath)],
};

static REQUIRE: Native = Native::new("require", require);
static SEARCHERS: [Native; 4] = [
    Native::new("searcher_preload", searcher_preload),
    Native::new("searcher_lua", searcher_lua),
    Native::new("searcher_c", searcher_c),
    Native::new("searcher_c_root", searcher_c_root),
];

/// Registry key of `package.preload`.
const PRELOAD: &str = "_PRELOAD";

const DIRECTORY_SEPARATOR: &[u8] = b"/";
const PATH_SEPARATOR: u8 = b';';
/// Directory separator, path separator, substitution mark, mark of the program's directory, mark in names of C functions.
const CONFIG: &str = "/\n;\n?\n!\n-\n";

const NO_C_MODULES: &str = "C modules are not supported";

fn default_cpath() -> String {
    format!(
        "/usr/local/lib/lua/5.3/?.so;/usr/lib/{}-linux-gnu/lua/5.3/?.so;/usr/lib/lua/5.3/?.so;\
         /usr/local/lib/lua/5.3/loadall.so;./?.so",
        std::env::consts::ARCH
    )
}

/// Opens the library: the tables `package`, `package.loaded`, … and the global `require`.
pub(super) fn open(cx: &mut Cx<'_>) -> Result<(), LuaError> {
    super::open_lib(cx, &LIB)?;
    let Some(package) = super::loaded(cx)?.get_name(LIB.name).as_table() else { return Ok(()) };
    let upvalue = [package.into()];
    let searchers = cx.table(SEARCHERS.len(), 0)?;
    for (i, searcher) in SEARCHERS.iter().enumerate() {
        let searcher = cx.closure(searcher, &upvalue)?;
        searchers.set_int(cx, i as i64 + 1, searcher)?;
    }
    package.set_name(cx, "searchers", searchers.into())?;
    let path = path_setting("LUA_PATH", DEFAULT_LUA_PATH.as_bytes());
    let path = cx.string(&path)?;
    package.set_name(cx, "path", path)?;
    let cpath = path_setting("LUA_CPATH", default_cpath().as_bytes());
    let cpath = cx.string(&cpath)?;
    package.set_name(cx, "cpath", cpath)?;
    let config = cx.name(CONFIG);
    package.set_name(cx, "config", config)?;
    let loaded = super::loaded(cx)?;
    package.set_name(cx, "loaded", loaded.into())?;
    let preload = cx.table(0, 0)?;
    cx.registry().set_name(cx, PRELOAD, preload.into())?;
    package.set_name(cx, "preload", preload.into())?;
    let require = cx.closure(&REQUIRE, &upvalue)?;
    cx.globals().set_name(cx, "require", require)
}

/// The value of `NAME_5_3` or `NAME` in the environment, where `;;` stands for the default.
fn path_setting(name: &str, default: &[u8]) -> Vec<u8> {
    let Some(value) = std::env::var_os(format!("{name}_5_3")).or_else(|| std::env::var_os(name)) else {
        return default.to_vec();
    };
    let value = value.into_encoded_bytes();
    replace(&value, b";;", &[b";", default, b";"].concat())
}

/// `text` with every `what` replaced by `by`, from left to right.
fn replace(text: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(&first) = rest.first() {
        if !what.is_empty() && rest.starts_with(what) {
            out.extend_from_slice(by);
            rest = &rest[what.len()..];
        } else {
            out.push(first);
            rest = &rest[1..];
        }
    }
    out
}

/// The first file of a path that can be opened, or one line for each that cannot.
fn search(name: &[u8], path: &[u8], separator: &[u8], directory: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    let name = if separator.is_empty() { name.to_vec() } else { replace(name, separator, directory) };
    let mut tried = Vec::new();
    for template in path.split(|&b| b == PATH_SEPARATOR).filter(|t| !t.is_empty()) {
        let file = replace(template, b"?", &name);
        if std::fs::File::open(super::path_of(&file)).is_ok() {
            return Ok(file);
        }
        tried.extend_from_slice(b"\n\tno file '");
        tried.extend_from_slice(&file);
        tried.push(b'\'');
    }
    Err(tried)
}

fn searchpath(cx: &mut Cx<'_>) -> R {
    // The reference looks at the last argument first.
    let directory = cx.opt_str(3)?.map_or(DIRECTORY_SEPARATOR, |s| s.bytes());
    let separator = cx.opt_str(2)?.map_or(&b"."[..], |s| s.bytes());
    let path = cx.check_str(1)?;
    let name = cx.check_str(0)?;
    match search(name.bytes(), path.bytes(), separator, directory) {
        Ok(file) => cx.ret_str(&file),
        Err(tried) => {
            let tried = cx.string(&tried)?;
            cx.push(Val::NIL);
            cx.push(tried);
            Ok(Step::Return(2))
        }
    }
}

fn loadlib(cx: &mut Cx<'_>) -> R {
    cx.check_str(0)?;
    cx.check_str(1)?;
    cx.push(Val::NIL);
    let message = cx.name(NO_C_MODULES);
    cx.push(message);
    let place = cx.name("absent");
    cx.push(place);
    Ok(Step::Return(3))
}

// ---- searchers ----

fn searcher_preload(cx: &mut Cx<'_>) -> R {
    let found = if cx.state() == 0 {
        let name = cx.check_str(0)?;
        let preload = cx.registry().get_name(PRELOAD);
        match cx.index(preload, name.into())? {
            Ok(v) => v,
            Err(call) => {
                cx.set_state(1);
                return cx.call(&call, 1);
            }
        }
    } else {
        cx.pop()
    };
    if found.is_nil() {
        let name = cx.check_str(0)?;
        return cx.ret_str(&[b"\n\tno field package.preload['", name.bytes(), b"']"].concat());
    }
    cx.ret(found)
}

/// Looks for a module in the path on top of the window, which is `package[field]`: the file, or what was tried.
fn find_file(
    cx: &mut Cx<'_>,
    field: &'static str,
    name: &[u8],
) -> Result<Result<Vec<u8>, Vec<u8>>, LuaError> {
    let mut path = cx.arg(cx.top() - 1);
    if path.is_number() {
        path = cx.number_string(path)?;
    }
    match path.as_str() {
        Some(path) => Ok(search(name, path.bytes(), b".", DIRECTORY_SEPARATOR)),
        None => Err(LuaError::message(format!("'package.{field}' must be a string"))),
    }
}

/// Puts `package[field]` on top of the window, at the latest at the second entry.
fn push_path(cx: &mut Cx<'_>, field: &'static str) -> Result<Option<Step>, LuaError> {
    if cx.state() != 0 {
        return Ok(None);
    }
    cx.check_str(0)?;
    cx.set_state(1);
    let (package, key) = (cx.upvalue(0), cx.name(field));
    match cx.index(package, key)? {
        Ok(path) => {
            cx.push(path);
            Ok(None)
        }
        Err(call) => cx.call(&call, 1).map(Some),
    }
}

fn load_failed(name: &[u8], file: &[u8], message: &[u8]) -> LuaError {
    LuaError::message([b"error loading module '", name, b"' from file '", file, b"':\n\t", message].concat())
}

/// State of a searcher that loads a large file, whose name is on top of the window.
const LOADING: u64 = 2;

fn searcher_lua(cx: &mut Cx<'_>) -> R {
    if cx.state() == LOADING {
        let loaded = cx.go_on_loading(None)?;
        return found(cx, loaded);
    }
    if let Some(call) = push_path(cx, "path")? {
        return Ok(call);
    }
    let name = cx.check_str(0)?.bytes();
    let file = match find_file(cx, "path", name)? {
        Ok(file) => file,
        Err(tried) => return cx.ret_str(&tried),
    };
    let (chunk_name, bytes) = match super::base::read_source(cx, Some(&file))? {
        Ok(read) => read,
        Err(message) => return Err(load_failed(name, &file, &message)),
    };
    let file = cx.string(&file)?;
    cx.push(file);
    cx.set_state(LOADING);
    let loaded = cx.load_in_turns(bytes.into(), &chunk_name, Origin::File, None)?;
    found(cx, loaded)
}

/// What a searcher gives for the file on top of the window, once it is loaded.
fn found<'gc>(cx: &mut Cx<'gc>, loaded: Option<Loaded<'gc>>) -> R {
    let file = cx.arg(cx.top() - 1);
    match loaded {
        Some(Ok(f)) => {
            cx.push(f);
            cx.push(file);
            Ok(Step::Return(2))
        }
        None => Ok(Step::Again),
        Some(Err(message)) => {
            let file = file.as_str().map_or(&b""[..], |file| file.bytes());
            Err(load_failed(cx.check_str(0)?.bytes(), file, &message))
        }
    }
}

fn searcher_c(cx: &mut Cx<'_>) -> R {
    if let Some(call) = push_path(cx, "cpath")? {
        return Ok(call);
    }
    let name = cx.check_str(0)?.bytes();
    match find_file(cx, "cpath", name)? {
        Ok(file) => Err(load_failed(name, &file, NO_C_MODULES.as_bytes())),
        Err(tried) => cx.ret_str(&tried),
    }
}

/// Looks for the library of the root of `a.b.c`, which may contain `a.b.c` too.
fn searcher_c_root(cx: &mut Cx<'_>) -> R {
    let name = cx.check_str(0)?.bytes();
    let Some(dot) = name.iter().position(|&b| b == b'.') else { return Ok(Step::Return(0)) };
    if let Some(call) = push_path(cx, "cpath")? {
        return Ok(call);
    }
    match find_file(cx, "cpath", &name[..dot])? {
        Ok(file) => Err(load_failed(name, &file, NO_C_MODULES.as_bytes())),
        Err(tried) => cx.ret_str(&tried),
    }
}

// ---- require ----

/// What `require` waits for.
mod wait {
    /// `package.loaded[name]`, answered by a metamethod.
    pub const LOADED: u64 = 1;
    pub const SEARCHERS: u64 = 2;
    pub const SEARCHER: u64 = 3;
    pub const LOADER: u64 = 4;
    pub const STORED: u64 = 5;
    pub const RELOADED: u64 = 6;
    pub const STORED_TRUE: u64 = 7;
}

/// Searchers asked so far and what they said.
struct Search {
    asked: i64,
    messages: Vec<u8>,
}

impl Kept for Search {
    fn outside(&self) -> usize {
        self.messages.capacity()
    }
}

/// Slots of `require`'s window.
const NAME: usize = 0;
const LOADED: usize = 1;
const LIST: usize = 2;

fn require(cx: &mut Cx<'_>) -> R {
    match cx.state() {
        0 => {
            let name = cx.check_str(NAME)?;
            cx.set_top(1);
            let loaded = cx.registry().get_name("_LOADED");
            cx.push(loaded);
            match cx.index(loaded, name.into())? {
                Ok(v) => already_loaded(cx, v),
                Err(call) => {
                    cx.set_state(wait::LOADED);
                    cx.call(&call, 1)
                }
            }
        }
        wait::LOADED => {
            let v = cx.pop();
            already_loaded(cx, v)
        }
        wait::SEARCHERS => {
            let v = cx.pop();
            start_search(cx, v)
        }
        wait::SEARCHER => searched(cx),
        wait::LOADER => loaded(cx),
        wait::STORED => reload(cx),
        wait::RELOADED => {
            let v = cx.pop();
            finish(cx, v)
        }
        _ => cx.ret(true),
    }
}

fn already_loaded<'gc>(cx: &mut Cx<'gc>, v: Val<'gc>) -> R {
    if v.is_truthy() {
        return cx.ret(v);
    }
    let (package, key) = (cx.upvalue(0), cx.name("searchers"));
    match cx.index(package, key)? {
        Ok(list) => start_search(cx, list),
        Err(call) => {
            cx.set_state(wait::SEARCHERS);
            cx.call(&call, 1)
        }
    }
}

fn start_search<'gc>(cx: &mut Cx<'gc>, list: Val<'gc>) -> R {
    let Some(searchers) = list.as_table() else {
        return Err(LuaError::message("'package.searchers' must be a table"));
    };
    cx.push(list);
    ask(cx, searchers, Search { asked: 0, messages: Vec::new() })
}

fn ask<'gc>(cx: &mut Cx<'gc>, searchers: Tab<'gc>, mut search: Search) -> R {
    search.asked += 1;
    let searcher = searchers.get_int(search.asked);
    let name = cx.arg(NAME);
    if searcher.is_nil() {
        let name = cx.check_str(NAME)?.bytes();
        return Err(LuaError::message([b"module '", name, b"' not found:", &search.messages[..]].concat()));
    }
    cx.set_top(LIST + 1);
    cx.keep(search);
    cx.set_state(wait::SEARCHER);
    cx.call(&[searcher, name], 2)
}

fn searched(cx: &mut Cx<'_>) -> R {
    let extra = cx.pop();
    let answer = cx.pop();
    if answer.is_function() {
        cx.set_state(wait::LOADER);
        let name = cx.arg(NAME);
        return cx.call(&[answer, name, extra], 1);
    }
    let mut search = cx.take::<Search>().map_or(Search { asked: 0, messages: Vec::new() }, |s| *s);
    if answer.is_string() || answer.is_number() {
        let text = cx.plain_string(answer)?;
        search.messages.extend_from_slice(text.as_str().map_or(b"", |s| s.bytes()));
    }
    match cx.arg(LIST).as_table() {
        Some(searchers) => ask(cx, searchers, search),
        None => Err(LuaError::message("'package.searchers' must be a table")),
    }
}

/// The loader returned: its result, if any, is the module.
fn loaded(cx: &mut Cx<'_>) -> R {
    let module = cx.pop();
    if module.is_nil() {
        return reload(cx);
    }
    let (table, name) = (cx.arg(LOADED), cx.arg(NAME));
    match cx.set_index(table, name, module)? {
        None => reload(cx),
        Some(call) => {
            cx.set_state(wait::STORED);
            cx.call(&call, 0)
        }
    }
}

/// The loader may have set `package.loaded[name]` itself.
fn reload(cx: &mut Cx<'_>) -> R {
    let (table, name) = (cx.arg(LOADED), cx.arg(NAME));
    match cx.index(table, name)? {
        Ok(v) => finish(cx, v),
        Err(call) => {
            cx.set_state(wait::RELOADED);
            cx.call(&call, 1)
        }
    }
}

fn finish<'gc>(cx: &mut Cx<'gc>, module: Val<'gc>) -> R {
    if !module.is_nil() {
        return cx.ret(module);
    }
    let (table, name) = (cx.arg(LOADED), cx.arg(NAME));
    match cx.set_index(table, name, Val::TRUE)? {
        None => cx.ret(true),
        Some(call) => {
            cx.set_state(wait::STORED_TRUE);
            cx.call(&call, 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{replace, search};

    #[test]
    fn two_separators_stand_for_the_default() {
        assert_eq!(replace(b"a;;;;q;;", b";;", b";D;"), b"a;D;;D;q;D;");
        assert_eq!(replace(b"", b";;", b"D"), b"");
        assert_eq!(replace(b"ab", b"", b"D"), b"ab");
    }

    #[test]
    fn each_template_that_leads_nowhere_is_reported() {
        let tried = search(b"a.b", b";/nowhere/?.x;;/nowhere/?/?;", b".", b"/").unwrap_err();
        assert_eq!(tried, b"\n\tno file '/nowhere/a/b.x'\n\tno file '/nowhere/a/b/a/b'");
    }
}
