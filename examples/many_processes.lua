-- A hundred thousand processes: each waits for a message, answers it, and ends.
local n, host = tonumber(... or 100000), "app:processes"
local inbox, pids = process.inbox(), {}
local clock = os.clock()
for i = 1, n do pids[i] = process.spawn("./lib/once.lua", host) end
for i = 1, n do process.send(pids[i], "ask", i) end
local sum = 0
for _ = 1, n do sum = sum + inbox:receive():payload():data() end
assert(sum == n * (n + 1) // 2)
print(n .. " processes have answered")
io.stderr:write(("%.2f s of processor time\n"):format(os.clock() - clock))
