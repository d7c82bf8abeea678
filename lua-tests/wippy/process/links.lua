-- flags: --sim 5
-- Failures travel along links, normal ends do not.
local host, events = "app:processes", process.events()
local inbox = process.inbox()

-- An untrapped link: the failure goes on.
local pid = process.spawn_monitored("./_link_to_failing.lua", host)
local e = events:receive()
assert(e.kind == process.event.EXIT and e.from == pid and e.result.error:message() == "linked process failed")

-- A chain: all gone, a child that is not linked stays.
local a = process.spawn_monitored("./_chain.lua", host, 3, process.pid())
local free
for _ = 1, 4 do
  local msg = inbox:receive()
  local what = msg:payload():data()
  if msg:topic() == "free" then free = what else assert(process.monitor(what) or what == a) end
end
process.send(a, "fail", "first")
for _ = 1, 3 do
  local e = events:receive()
  assert(e.kind == process.event.EXIT)
  local text = e.result.error:message()
  assert(text == (e.from == a and "first" or "linked process failed"), text)
end
process.send(free, "echo", "alive")
assert(inbox:receive():payload():data() == "alive")

-- Trapped: an event, and life goes on.
assert(process.get_options().trap_links == false)
assert(process.set_options({trap_links = true}) == true)
assert(process.get_options().trap_links == true)
local pid = process.spawn_linked("./_return.lua", host, "error", "boom")
local e = events:receive()
assert(e.kind == process.event.LINK_DOWN and e.from == pid and e.result.error:message() == "boom" and e.result.value == nil)

-- Both: EXIT first.
local pid = process.spawn_linked_monitored("./_return.lua", host, "error", "boom")
local first, second = events:receive(), events:receive()
assert(first.kind == process.event.EXIT and second.kind == process.event.LINK_DOWN)
assert(first.from == pid and second.from == pid)

-- Normal ends make no noise, unlinked ones neither; links are no counters.
local quiet = process.spawn_linked("./_echo.lua", host)
local unlinked = process.spawn_linked("./_echo.lua", host)
assert(process.link(unlinked) == true and process.unlink(unlinked) == true and process.unlink(unlinked) == true)
process.monitor(quiet)
process.monitor(unlinked)
process.send(quiet, "stop")
process.send(unlinked, "fail", "x")
for _ = 1, 2 do assert(events:receive().kind == process.event.EXIT) end
local twice = process.spawn_linked("./_echo.lua", host)
assert(process.link(twice) == true)
process.send(twice, "fail", "once")
assert(events:receive().kind == process.event.LINK_DOWN)
local last = process.spawn_monitored("./_return.lua", host, "return")
assert(events:receive().from == last)

-- The link has two ends: ours, when this process is the one that ends.
local child = process.spawn("./_trap.lua", host, process.pid())
assert(inbox:receive():topic() == "ready")
local failing = process.spawn_monitored("./_links_and_fails.lua", host, child)
local msg = inbox:receive()
assert(msg:topic() == "down" and msg:payload():data() == failing)
