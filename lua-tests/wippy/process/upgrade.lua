-- flags: --sim 9
-- New code in the same process.
local host, events, inbox = "app:processes", process.events(), process.inbox()
local pid = process.spawn_monitored("./_old.lua", host, process.pid())
process.registry.register("u", pid)
process.set_options({trap_links = true})
assert(process.link(pid))
process.send(pid, "go", {state = 41})
process.send(pid, "kept", "message")
local seen = inbox:receive():payload():data()
assert(seen.pid == pid and seen.id == "./_new.lua" and seen.state == 41 and seen.kept == "message" and seen.trap == false and seen.global == nil)
assert(process.registry.lookup("u") == pid)
process.send(pid, "fail")
local first, second = events:receive(), events:receive()
assert(first.kind == process.event.EXIT and second.kind == process.event.LINK_DOWN and first.from == pid)

-- The same code again: it counts its lives.
assert(process.exec("./_again.lua", host, 0) == 3)

-- What does not work ends the process.
for _, id in ipairs{"./_nothing.lua", "./_broken.txt", "./_no_main.lua", "./_raises.lua"} do
  local v, err = process.exec("./_upgrade_to.lua", host, id)
  assert(v == nil and string.find(err, "upgrade: ", 1, true) == 1, tostring(err))
end
