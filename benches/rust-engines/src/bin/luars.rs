//! Runs a Lua file with the library `luars`.

use luars::{Lua, LuaApi, SafeOption, Stdlib};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("a Lua file is wanted")?;
    let text = std::fs::read_to_string(file)?;
    let mut lua = Lua::new(SafeOption::default());
    lua.open_stdlib(Stdlib::All).map_err(|e| format!("{e:?}"))?;
    lua.load(&text).exec().map_err(|e| format!("{e:?}"))?;
    Ok(())
}
