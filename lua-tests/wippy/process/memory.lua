-- flags: --sim 13 --process-memory-limit 4M
-- stress: 1000
-- stress-flags: --sim 13 --process-memory-limit 100K
-- Who takes too much memory ends alone.
local host, events = "app:processes", process.events()
-- The limit divided by 40.
local size = math.tointeger(tonumber((...))) or 100000

-- A reader that is too slow harms itself only.
local pid = process.spawn_monitored("./_never_reads.lua", host)
local letter, sent = ("x"):rep(size // 10), 0
while process.send(pid, "flood", letter .. sent) do
  sent = sent + 1
  assert(sent < 10000)
end
assert(sent > 100)
local e = events:receive()
assert(e.from == pid and e.result.error:message() == "not enough memory")

local pid = process.spawn_monitored("./_eats.lua", host)
local e = events:receive()
assert(e.from == pid and tostring(e.result.error):find("not enough memory", 1, true))

-- A message that does not fit into what is left of a receiver.
local pid = process.spawn_monitored("./_echo.lua", host)
local list = {}
for i = 1, size do list[i] = {i} end
process.send(pid, "echo", list)
local e = events:receive()
assert(e.from == pid and tostring(e.result.error):find("not enough memory", 1, true))
