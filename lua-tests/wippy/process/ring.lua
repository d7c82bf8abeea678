-- flags: --sim 14
-- A ring of linked processes: one fails, all go, each monitor hears of it once.
local host, events, inbox = "app:processes", process.events(), process.inbox()
local n, pids = 200, {}
for i = 1, n do pids[i] = process.spawn_monitored("./_ring.lua", host, process.pid()) end
for i = 1, n do process.send(pids[i], "next", pids[i % n + 1]) end
for _ = 1, n do assert(inbox:receive():topic() == "linked") end
process.send(pids[7], "fail")
local heard = {}
for _ = 1, n do
  local e = events:receive()
  assert(e.kind == process.event.EXIT and not heard[e.from] and e.result.error)
  heard[e.from] = true
end
for _, pid in ipairs(pids) do assert(heard[pid] and not process.monitor(pid)) end
