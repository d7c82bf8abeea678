-- Waiting for a channel in every position of a call: as statement, among results and arguments, tail call, iterator, behind pcall.
local function produce(...)
  local ch, values = channel.new(), table.pack(...)
  coroutine.spawn(function()
    for i = 1, values.n do ch:send(values[i]) end
    ch:close()
  end)
  return ch
end

-- Results: none, one, two, more than there are, all.
local ch = produce(1, 2, 3, 4, 5)
ch:receive()
local a = ch:receive()
local b, ok = ch:receive()
local c, ok2, no = ch:receive()
print(a, b, ok, c, ok2, no, ch:receive())
print(ch:receive())
print(select("#", ch:receive()), (ch:receive()))

-- Tail calls, with and without more arguments than are wanted.
local function tail(ch) return ch:receive() end
local function more(ch) return ch:receive(1, 2, 3) end
ch = produce("tail", "more")
print(tail(ch))
print(more(ch))

-- Iterators.
local sum = 0
for v in ch.receive, produce(1, 2, 3, 4) do sum = sum + v end
print("sum", sum)

-- Protected, as a value, in a table, in a concatenation.
ch = produce(1, 2, 3, 4)
print(pcall(ch.receive, ch))
local receive = ch.receive
print((receive(ch)) .. "/" .. #{ receive(ch) })
print(select(2, pcall(function() return ch:receive() + 1 end)))

-- Sending: results, no value, too many values, and what the receiver sees.
ch = channel.new()
local results = {}
coroutine.spawn(function()
  results[1] = table.pack(ch:send("one"))
  results[2] = table.pack(ch:send())
  results[3] = table.pack(ch:send("three", "ignored"))
  results[4] = table.pack(pcall(ch.send, ch, "four"))
  results[5] = table.pack(ch:send("never"))
end)
for _ = 1, 4 do print(ch:receive()) end
coroutine.spawn(function() ch:close() end)
local done = channel.new()
coroutine.spawn(function() done:send(true) end)
done:receive()
for i = 1, 5 do print(i, results[i].n, tostring(results[i][1]), tostring(results[i][2])) end

-- The value waits in the window of the sender while others collect and grow the stack.
ch = channel.new()
coroutine.spawn(function() ch:send({ "kept" }) end)
local function deep(n) if n == 0 then collectgarbage() return 0 end return 1 + deep(n - 1) end
local pause = channel.new()
coroutine.spawn(function() deep(500) pause:send(1) end)
pause:receive()
print((ch:receive())[1])

-- Where waiting is an error, the error is that of the ordinary call.
local function refused(f, ...) print((select(2, pcall(f, ...)):match("attempt.*"))) end
setmetatable({}, { __gc = function()
  refused(ch.receive, ch)
  refused(function() return ch:receive() end)
end })
collectgarbage()
debug.sethook(function()
  debug.sethook()
  refused(function() ch:send(1) end)
end, "l")
local line = 1

-- A coroutine that goes on because another one waits: its hook sees the return.
do
  local ch, other, done, seen = channel.new(), channel.new(), channel.new(), {}
  coroutine.spawn(function()
    debug.sethook(function(event) seen[#seen + 1] = event .. " " .. debug.getinfo(2, "n").name end, "r")
    local _ = ch:receive()
    debug.sethook()
    done:send(true)
  end)
  coroutine.spawn(function()
    ch:send("v")
    other:receive()
  end)
  done:receive()
  print(table.concat(seen, ", "))
end

-- In a hook's company the ordinary form runs.
local calls = 0
ch = produce("hooked")
debug.sethook(function() calls = calls + 1 end, "c")
local v = ch:receive()
debug.sethook()
print(v, calls > 0)
