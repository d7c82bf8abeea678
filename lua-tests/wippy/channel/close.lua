-- Closing: what is buffered stays, who waits is woken, sending is refused.
local function turns(n) for _ = 1, n or 3 do coroutine.yield() end end

local ch = channel.new(2)
ch:send("a") ch:send(nil)
assert(select("#", ch:close()) == 0)
local v, ok = ch:receive() assert(v == "a" and ok == true)
v, ok = ch:receive() assert(v == nil and ok == true)
for _ = 1, 3 do v, ok = ch:receive() assert(v == nil and ok == false and select("#", ch:receive()) == 2) end
local raised, e = pcall(ch.send, ch, 1)
assert(not raised and tostring(e):find("send on closed channel", 1, true))
raised, e = pcall(function() ch:send(1) end)
assert(not raised and tostring(e):find("close.lua:12: send on closed channel", 1, true), e)
ch:close() ch:close()

-- receivers, in the order in which they blocked, before close returns
local c, log = channel.new(), {}
for i = 1, 3 do
  coroutine.spawn(function()
    local v, ok = c:receive()
    log[#log + 1] = i .. tostring(v) .. tostring(ok)
  end)
end
c:close()
assert(table.concat(log, " ") == "1nilfalse 2nilfalse 3nilfalse")

-- senders: nil and an error, their values are lost
for size = 0, 2 do
  c, log = channel.new(size), {}
  for i = 1, size do c:send(i) end
  for i = 1, 2 do
    coroutine.spawn(function()
      local r, err = c:send("lost")
      assert(r == nil and type(err) == "userdata" and tostring(err) == "send on closed channel")
      assert(err:message() == "send on closed channel")
      log[#log + 1] = i
    end)
  end
  c:close()
  assert(table.concat(log) == "12")
  for i = 1, size do assert(c:receive() == i) end
  assert(select(2, c:receive()) == false)
end

-- selects
c = channel.new()
local other, result, err = channel.new()
coroutine.spawn(function() result = channel.select{other:case_receive(), c:case_receive()} end)
c:close()
assert(result.channel == c and result.value == nil and result.ok == false and result.default == nil)

c, result = channel.new(), 1
coroutine.spawn(function() result, err = channel.select{other:case_receive(), c:case_send(5)} end)
c:close()
assert(result == nil and tostring(err) == "send on closed channel")

c, result = channel.new()
coroutine.spawn(function() result = channel.select{c:case_send(5), c:case_receive()} end)
assert(result == nil, "its own cases do not meet")
c:close()
assert(result.channel == c and result.ok == false)

-- anybody may close; a coroutine that closes goes on after those that it woke
c, log = channel.new(), {}
coroutine.spawn(function() c:receive() log[#log + 1] = "woken" end)
coroutine.spawn(function() c:close() log[#log + 1] = "closed" end)
turns()
assert(table.concat(log, " ") == "woken closed")

-- a finalizer may close, too: those that wait are queued
c, log = channel.new(), {}
coroutine.spawn(function() c:receive() log[#log + 1] = "woken" end)
setmetatable({}, {__gc = function() c:close() log[#log + 1] = "closed" end})
collectgarbage() collectgarbage()
turns()
assert(table.concat(log, " ") == "closed woken")

-- a loop over a channel ends with it
c = channel.new(10)
for i = 1, 4 do c:send(i) end
c:close()
local sum = 0
for v in c.receive, c do sum = sum + v end
assert(sum == 10)
