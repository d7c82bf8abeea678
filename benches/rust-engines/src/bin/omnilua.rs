//! Runs a Lua 5.3 file with the library `omnilua`.

use omnilua::{Lua, LuaVersion};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("a Lua file is wanted")?;
    let text = std::fs::read_to_string(file)?;
    let lua = Lua::new_versioned(LuaVersion::V53);
    lua.load(&text).exec().map_err(|e| format!("{e:?}"))?;
    Ok(())
}
