-- Buffered and unbuffered channels, values by reference, identity, wrong use.
local ch = channel.new(3)
assert(type(ch) == "userdata" and tostring(ch):find("^channel: 0x"))
for i = 1, 3 do assert(ch:send(i) == true and select("#", ch:case_receive()) == 1) end
for i = 1, 3 do
  local v, ok = ch:receive()
  assert(v == i and ok == true)
end

-- without a buffer a send waits for its receiver
for _, new in ipairs{
  function() return channel.new() end, function() return channel.new(0) end,
  function() return channel.new(-5) end, function() return channel.new(0.9) end,
} do
  local c, log = new(), {}
  coroutine.spawn(function() log[#log + 1] = "before" assert(c:send("v")) log[#log + 1] = "sent" end)
  assert(table.concat(log, " ") == "before")
  assert(c:receive() == "v")
  assert(#log == 1, "the receiver goes on first")
  coroutine.yield()
  assert(table.concat(log, " ") == "before sent")
end
assert(channel.new(2.9):send(1))

-- any value, by reference
local c = channel.new(20)
local t, f, co = {}, function() end, coroutine.create(print)
local values = {t, f, co, c, ch, false, 1, 1.5, "s", io.stdout, n = 10}
for i = 1, values.n do c:send(values[i]) end
for i = 1, values.n do
  local v, ok = c:receive()
  assert(rawequal(v, values[i]) and ok == true, i)
end
c:send(nil) c:send()
assert(select("#", c:receive()) == 2)
local v, ok = c:receive()
assert(v == nil and ok == true)

-- identity
assert(c == c and c ~= ch and channel.new() ~= channel.new())
local names = {[c] = "c", [ch] = "ch"}
assert(names[c] == "c" and names[ch] == "ch")
assert(c.unknown == nil and c[1] == nil and ch.buffer == nil)
assert(not pcall(function() c.x = 1 end) and not pcall(rawset, c, "x", 1))
assert(getmetatable(c) == false)

-- wrong use
local function fails(text, f, ...)
  local ok, e = pcall(f, ...)
  assert(not ok and tostring(e):find(text, 1, true), e)
end
fails("bad argument #1 to 'channel.new'", channel.new, "3")
fails("bad argument #1", channel.new, {})
fails("bad argument #1 ", c.send, 1)
fails("bad argument #1", c.receive, io.stdout)
fails("bad argument #1", c.close)
fails("bad argument #1", c.case_send, {}, 1)
fails("bad argument #1", c.case_receive, c:case_receive())
fails("bad argument #1 to 'channel.select'", channel.select)
fails("bad argument #1", channel.select, c:case_receive())
assert(channel.new(math.huge):send(1) and channel.new(1e300):send(1) and channel.new(math.maxinteger):send(1))

-- the library
assert(require("channel") == channel and package.loaded.channel == channel)
fails("attempt to modify", function() channel.new = nil end)
fails("attempt to modify", function() channel.x = 1 end)
fails("attempt to modify", rawset, channel, "select", 1)
assert(channel.try_send == nil and c.try_send == nil and c.is_closed == nil and not pcall(function() return #c end))
