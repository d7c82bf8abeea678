-- flags: --sim 7
local host, events = "app:processes", process.events()
local registry, me = process.registry, process.pid()
assert(registry.LOCAL == 0 and registry.EVENTUAL == 1 and registry.CONSISTENT == 2 and registry.STRONG == 3)

assert(registry.register("n") == true and registry.register("n") == true and registry.lookup("n") == me)
assert(registry.register("m", me, registry.LOCAL) == true)
local none, err = registry.lookup("nobody")
assert(none == nil and err:kind() == "NotFound" and string.find(err, "name not registered", 1, true))

-- One holder.
local pid = process.spawn_monitored("./_echo.lua", host)
local ok, err = registry.register("n", pid)
assert(ok == nil and err:kind() == "AlreadyExists" and string.find(err, "name already registered", 1, true))
assert(registry.register("echo", pid) == true and registry.lookup("echo") == pid)
process.send("echo", "echo", "by name")
assert(process.inbox():receive():payload():data() == "by name")

-- Names end with their holder, before its EXIT.
process.send("echo", "stop")
assert(events:receive().from == pid)
local none, err = registry.lookup("echo")
assert(none == nil and err:kind() == "NotFound")
-- A name for the dead stays until somebody takes it away.
assert(registry.register("ghost", pid) == true and registry.lookup("ghost") == pid)
local ok, err = process.send("ghost", "t")
assert(ok == nil and string.find(err, "process not found", 1, true))
assert(registry.unregister("ghost") == true and registry.unregister("ghost") == false)

for scope, text in pairs{[registry.EVENTUAL] = "eventual registry not available", [registry.CONSISTENT] = "global registry not available", [registry.STRONG] = "global registry not available"} do
  local ok, err = registry.register("x", nil, scope)
  assert(ok == nil and err:kind() == "Internal" and err:message() == text)
  local ok, err = registry.unregister("x", scope)
  assert(ok == nil and err:kind() == "Internal")
end
local ok, err = registry.register("x", 5)
assert(ok == nil and err:kind() == "Invalid" and err:message() == "pid must be a string")
local ok, err = registry.register("x", "not a pid")
assert(ok == nil and err:kind() == "Invalid" and string.find(err, "invalid pid", 1, true) == 1)
local ok, err = registry.register("x", nil, "local")
assert(ok == nil and err:kind() == "Invalid" and string.find(err, "scope must be a number", 1, true) == 1)
assert(not pcall(registry.register))
