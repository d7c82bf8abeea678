-- Microseconds for one send and the receive of it, between two coroutines of one process. Goal: 0.10.
-- Seen without link-time optimisation on two cores that were very busy otherwise, where resume and yield of lua5.3 took
-- 0.106: unbuffered 0.145 to 0.171, buffer of 1 0.124 to 0.137, buffer of 100 0.095 to 0.105, select of two 0.382 to 0.445.
local N = tonumber(arg[1]) or 2000000

local function measure(name, size)
  local ch, done = channel.new(size), channel.new()
  coroutine.spawn(function()
    for i = 1, N do ch:send(i) end
    ch:close()
  end)
  coroutine.spawn(function()
    local sum = 0
    while true do
      local v, ok = ch:receive()
      if not ok then break end
      sum = sum + v
    end
    done:send(sum)
  end)
  local start = os.clock()
  local sum = done:receive()
  local seconds = os.clock() - start
  assert(sum == N * (N + 1) // 2)
  print(("%-28s %.3f"):format(name, seconds / N * 1e6))
end

measure("unbuffered", 0)
measure("buffer of 1", 1)
measure("buffer of 100", 100)

-- The same through select.
local a, b, done = channel.new(), channel.new(), channel.new()
coroutine.spawn(function() for i = 1, N // 10 do a:send(i) end a:close() end)
coroutine.spawn(function()
  while true do
    local r = channel.select{b:case_receive(), a:case_receive()}
    if not r.ok then break end
  end
  done:send()
end)
local start = os.clock()
done:receive()
print(("%-28s %.3f"):format("select of two", (os.clock() - start) / (N // 10) * 1e6))
