-- flags: --sim 6
-- Cancel asks, terminate ends.
local host, events, inbox = "app:processes", process.events(), process.inbox()
local me = process.pid()

-- CANCEL with and without a reason, as an event of the target.
local pid = process.spawn_monitored("./_cancelled.lua", host)
assert(process.cancel(pid, "why"))
local r = events:receive().result.value
assert(r.kind == process.event.CANCEL and r.from == me and r.reason == "why" and type(r.at) == "number" and r.result == nil)
local pid = process.spawn_monitored("./_cancelled.lua", host)
assert(process.cancel(pid))
assert(events:receive().result.value.reason == "")
assert(not pcall(process.cancel, pid, {}))
assert(not pcall(process.cancel, pid, true))

-- Who does not listen is not concerned; the event waits for it.
local pid = process.spawn_monitored("./_echo.lua", host)
assert(process.cancel(pid, "ignored"))
process.send(pid, "echo", 1)
assert(inbox:receive():payload():data() == 1)
-- Nor is it over when it is cancelled by its name.
process.registry.register("echo", pid)
assert(process.cancel("echo"))
process.send("echo", "echo", 2)
assert(inbox:receive():payload():data() == 2)

-- Terminate: no more code runs, links break.
assert(process.terminate(pid))
local e = events:receive()
assert(e.from == pid and e.result.error:message() == "process terminated" and e.result.error:kind() == "Internal")
assert(process.registry.lookup("echo") == nil)
process.set_options({trap_links = true})
for _, how in ipairs{"wait", "spin"} do
  local pid = process.spawn_linked("./_busy.lua", host, how)
  assert(process.terminate(pid))
  local e = events:receive()
  assert(e.kind == process.event.LINK_DOWN and e.from == pid and e.result.error:message() == "process terminated")
end

-- Names that nobody has, and no arguments.
for _, f in ipairs{"cancel", "terminate", "monitor", "unmonitor", "link", "unlink"} do
  local ok, err = process[f]("nobody")
  assert(ok == nil and err:kind() == "NotFound" and string.find(err, "could not resolve 'nobody'", 1, true))
  local ok, err = process[f]()
  assert(ok == nil and err:kind() == "Invalid" and err:message() == f .. " requires a destination argument")
  assert(not pcall(process[f], {}))
end

-- Options.
local ok, err = process.set_options({trap_links = "x"})
assert(ok == false and err:kind() == "Invalid" and err:message() == "trap_links must be a boolean")
local ok, err = process.set_options({nope = 1, upgradable = true})
assert(ok == false and err:message() == "option nope is not supported")
assert(process.get_options().upgradable == true)
local ok, err = process.set_options(5)
assert(ok == false and err:kind() == "Invalid" and err:message() == "options parameter must be a table")
assert(process.set_options({1, 2, [true] = 3}) == true)
