-- flags: --sim 6
-- How processes end, and what their monitors hear.
local host, events = "app:processes", process.events()
local function exit(...)
  local pid = assert(process.spawn_monitored("./_return.lua", host, ...))
  local e = events:receive()
  assert(e.kind == process.event.EXIT and e.from == pid and type(e.at) == "number")
  assert(e.error == nil and e.reason == nil)
  return e.result, pid
end

local r = exit("return", 7)
assert(r.value == 7 and r.error == nil)
local r = exit("return")
assert(r.value == nil and r.error == nil)
for _, v in ipairs{true, false, "text", 1.5} do assert(exit("return", v).value == v) end
assert(exit("return", {a = {1}}).value.a[1] == 1)

-- The second result decides, if it is a string or an error.
local r = exit("return", nil, "bad")
assert(r.value == nil and r.error:message() == "bad" and r.error:kind() == "Internal" and r.error:retryable() == false)
local r = exit("return", 1, errors.new{message = "m", kind = "NotFound", retryable = true, details = {x = 1}})
assert(r.value == nil and r.error:message() == "m" and r.error:kind() == "NotFound")
assert(r.error:retryable() == true and r.error:details().x == 1)
assert(exit("return", 1, errors.new("m")).error:kind() == "Internal")
for _, second in ipairs{false, true, 5, {msg = "x"}} do
  local r = exit("return", 1, second)
  assert(r.value == 1 and r.error == nil)
end

-- Errors.
local r = exit("error", "boom")
assert(r.value == nil and tostring(r.error):find("boom", 1, true) and r.error:kind() == "Internal" and r.error:retryable() == nil)
assert(exit("error", errors.new{message = "m", kind = "X"}).error:kind() == "X")
assert(exit("error", {}).error:message():find("table: ", 1, true))
local r = exit("return", setmetatable({}, {__index = {y = 2}}))
assert(r.value.y == 2)

-- Who is gone is gone, and its names too.
local _, pid = exit("return")
local ok, err = process.send(pid, "t")
assert(ok == nil and err:kind() == "NotFound" and string.find(err, "not found", 1, true))
for _, f in ipairs{"monitor", "link"} do
  local ok, err = process[f](pid)
  assert(ok == nil and err:kind() == "Internal" and string.find(err, "pid not registered", 1, true))
  assert(string.find(err, f .. " failed", 1, true) == 1)
end
for _, f in ipairs{"cancel", "terminate"} do
  local ok, err = process[f](pid)
  assert(ok == nil and err:kind() == "Internal" and string.find(err, "process not found", 1, true))
end
for _, f in ipairs{"unmonitor", "unlink"} do assert(process[f](pid) == true) end

-- Monitors: one EXIT each, none after unmonitor.
local pid = process.spawn("./_echo.lua", host)
assert(process.monitor(pid) == true)
local ok, err = process.monitor(pid)
assert(ok == nil and string.find(err, "already monitoring pid", 1, true))
assert(process.unmonitor(pid) and process.unmonitor(pid))
local other = process.spawn_monitored("./_echo.lua", host)
process.send(pid, "stop")
-- The other one is asked through the first: it ends after it.
local probe = process.spawn_monitored("./_wait_for.lua", host, pid)
assert(events:receive().from == probe)
process.send(other, "stop", "last")
local e = events:receive()
assert(e.from == other and e.result.value == "last")

-- Every monitor gets a copy of its own.
local pid = process.spawn("./_echo.lua", host)
local a = process.spawn("./_watch.lua", host, pid, process.pid())
local b = process.spawn("./_watch.lua", host, pid, process.pid())
local inbox = process.inbox()
assert(inbox:receive():topic() == "watching" and inbox:receive():topic() == "watching")
process.send(pid, "stop", {v = 1})
for _ = 1, 2 do assert(inbox:receive():payload():data().v == 1) end

-- Coroutines: an error in one is the end of the process, the end of main the end of the others.
local pid = process.spawn_monitored("./_coroutines.lua", host, "error")
assert(tostring(events:receive().result.error):find("in a coroutine", 1, true))
local pid = process.spawn_monitored("./_coroutines.lua", host, "main")
assert(events:receive().result.value == "done")
local pid = process.spawn_monitored("./_coroutines.lua", host, "deadlock")
assert(tostring(events:receive().result.error):find("deadlock: ", 1, true) == 1)
