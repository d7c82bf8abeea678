-- flags: --sim 10
-- budget: 30s 1024MiB
-- Ten thousand processes wait, answer one message each, and end.
local host, events, inbox = "app:processes", process.events(), process.inbox()
local n, pids = 10000, {}
for i = 1, n do pids[i] = assert(process.spawn_monitored("./_once.lua", host)) end
for i = 1, n do assert(process.send(pids[i], "ask", i)) end
local sum = 0
for i = 1, n do sum = sum + inbox:receive():payload():data() end
assert(sum == n * (n + 1) // 2)
for i = 1, n do assert(events:receive().result.error == nil) end
