-- flags: --sim 8
-- Starting processes: arguments, failures, exec, the builder.
local host, events, inbox = "app:processes", process.events(), process.inbox()

assert(process.exec("./_return.lua", host, "return", "x") == "x")
assert(select("#", process.exec("./_return.lua", host)) == 2)
assert(process.exec("./_arguments.lua", host, nil, 2, nil) == 3)
local r = process.exec("./_return.lua", host, "return", {a = {b = 1}})
assert(r.a.b == 1)
local v, err = process.exec("./_return.lua", host, "error", errors.new{message = "m", kind = "X"})
assert(v == nil and err:message() == "m" and err:kind() == "X")
local v, err = process.exec("./_return.lua", host, "return", 1, "bad")
assert(v == nil and err:message() == "bad")
-- A table with `main` is as good as a function, and a chunk may wait.
assert(process.exec("./_module.lua", host, 20) == 21)
assert(process.exec("./_slow_chunk.lua", host) == "late")

local function refused(kind, text, f, ...)
  local v, err = f(...)
  assert(v == nil and err:kind() == kind, tostring(err))
  assert(string.find(err, text, 1, true), tostring(err))
  return err
end
for _, name in ipairs{"spawn", "spawn_monitored", "spawn_linked", "spawn_linked_monitored"} do
  local f = process[name]
  refused("Invalid", name .. " requires at least id and host arguments", f, "./_echo.lua")
  assert(refused("NotFound", "host not found", f, "./_echo.lua", "app:nowhere"):details().host_id == "app:nowhere")
  assert(refused("NotFound", "factory not found", f, "./_nothing.lua", host):details().factory_id == "./_nothing.lua")
  refused("NotFound", "factory not found", f, "app:entry", host)
  refused("NotFound", 'method "main" not found in module', f, "./_no_main.lua", host)
  refused("Internal", "failed to load script", f, "./_broken.txt", host)
  refused("Internal", "failed to execute script", f, "./_raises.lua", host)
  assert(not pcall(f, {}, host))
end
refused("Invalid", "exec requires id and host arguments", process.exec, "./_echo.lua")
refused("Invalid", "process ID required", process.exec, "", host)
refused("Invalid", "host ID required", process.exec, "./_echo.lua", "")
refused("Invalid", "invalid process ID format (namespace:name required)", process.exec, "x", "h")
refused("Internal", "host not found", process.exec, "./_echo.lua", "app:nowhere")
refused("Internal", "factory not found", process.exec, "app:entry", host)

-- The builder is immutable, and its messages come first.
local base = process.with_context({tenant = "t1"})
local named = base:with_name("jobs"):with_message("add", {n = 1}):with_message("add", {n = 2})
local payload = {n = 3}
local third = named:with_message("add", payload)
payload.n = "changed"
local pid = third:spawn_monitored("./_jobs.lua", host, process.pid())
assert(process.send(pid, "add", {n = 4}))
for i = 1, 4 do
  local m = inbox:receive():payload():data()
  assert(m.n == i and m.from == (i <= 3 and "" or process.pid()))
end
-- The name is taken: the messages go to its holder.
local again, err = base:with_name("jobs"):with_message("add", {n = 5}):spawn_monitored("./_jobs.lua", host, "?")
assert(again == pid and err == nil)
assert(inbox:receive():payload():data().n == 5)
process.send(pid, "stop")
assert(events:receive().from == pid)
assert(process.with_options({}):exec("./_return.lua", host, "return", 1) == 1)
refused("NotFound", "network", process.with_options({network = "app:net"}).spawn, process.with_options({network = "app:net"}), "./_echo.lua", host)
refused("Invalid", "spawn requires at least id and host", base.spawn, base, "x")
for _, f in ipairs{
  function() process.with_context(5) end, function() process.with_context({[1] = 2}) end,
  function() process.with_options({[1] = 2}) end, function() base:with_name("") end, function() base:with_name() end,
  function() base:with_message("@x") end, function() base:with_actor(nil) end, function() base:with_scope({}) end,
  function() base:with_options({[1] = 1}) end, function() base:with_context(1) end, function() base.spawn({}, "x", "y") end,
} do assert(not pcall(f)) end
assert(base:with_context({[1] = 2, k = 1}))
