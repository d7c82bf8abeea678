-- Built-in modules are what `require` finds last.
assert(#package.searchers == 5)
local time = require("time")
assert(package.loaded.time == time and require("time") == time)
package.loaded.time = nil
assert(require("time") == time)

-- a module of the script's own wins
package.loaded.time = nil
package.preload.time = function(name) return {own = name} end
assert(require("time").own == "time")
package.preload.time, package.loaded.time = nil, nil
package.path = "./_?.lua"
assert(require("time").file == "_time.lua")

-- what is not found is told in the words of the reference
package.path, package.cpath = "./?.nowhere", ""
local ok, message = pcall(require, "no.module")
assert(not ok and message == "module 'no.module' not found:\n\tno field package.preload['no.module']\n"
  .. "\tno file './no/module.nowhere'", message)

-- without the last searcher there is none
package.loaded.time = nil
table.remove(package.searchers)
assert(not pcall(require, "time"))
