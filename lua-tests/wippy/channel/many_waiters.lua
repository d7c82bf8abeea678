-- budget: 20s 2048MiB
-- stress: 300
-- Who begins to wait does not look at all the others that wait.
local jobs, results, n = channel.new(), channel.new(), math.tointeger(tonumber((...))) or 50000
for i = 1, n do
  coroutine.spawn(function() results:send(i + jobs:receive()) end)
end
-- First come, first served.
coroutine.spawn(function() for i = 1, n do jobs:send(i) end end)
for i = 1, n do assert(results:receive() == 2 * i) end
-- Many that wait to send.
for i = 1, n do coroutine.spawn(function() jobs:send(i) end) end
for i = 1, n do assert(jobs:receive() == i) end
