-- flags: --sim 1
-- PIDs are strings of a fixed form, stable and different for every process.
local host = "app:processes"
local me = process.pid()
assert(type(me) == "string" and me:match("^{app:processes|0x%x%x%x%x%x+}$"), me)
assert(process.pid() == me and me == "{app:processes|0x00001}")
assert(process.id() == "identity.lua")

local seen = {[me] = true}
for i = 1, 5 do
  local pid, err = process.exec("./_return.lua", host, "pid")
  assert(pid and err == nil and not seen[pid])
  seen[pid] = true
end
assert(process.exec("./_return.lua", host, "id") == "./_return.lua")

-- The tables are read-only.
assert(not pcall(function() process.pid = 1 end))
assert(not pcall(function() process.event.EXIT = "x" end))
assert(not pcall(function() process.registry.LOCAL = 7 end))
assert(require("process") == process)
assert(process.event.CANCEL == "pid.cancel" and process.event.EXIT == "pid.exit")
assert(process.event.LINK_DOWN == "pid.link.down" and process.event.OUTDATED == "pid.outdated")
