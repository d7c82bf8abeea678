-- channel.select: order of the cases, default, results.
local function fields(r) return r.channel, r.value, r.ok, r.default end
local function is(r, channel, value, ok, default)
  local c, v, o, d = fields(r)
  assert(c == channel and rawequal(v, value) and o == ok and d == default, tostring(v))
end

local a, b, empty = channel.new(2), channel.new(2), channel.new()
a:send("in a") b:send("in b")
is(channel.select{a:case_receive(), b:case_receive()}, a, "in a", true)
is(channel.select{a:case_receive(), b:case_receive()}, b, "in b", true)
is(channel.select{empty:case_receive(), default = true}, nil, nil, true, true)
a:send(nil)
is(channel.select{a:case_receive(), default = true}, a, nil, true)
is(channel.select({empty:case_receive()}, true), nil, nil, true, true)
is(channel.select({a:case_receive(), default = true}), nil, nil, true, true)

local closed = channel.new()
closed:close()
is(channel.select{closed:case_receive(), default = true}, closed, nil, false)
is(channel.select{empty:case_receive(), closed:case_receive()}, closed, nil, false)
is(channel.select{closed:case_send(1), default = true}, nil, nil, true, true)
is(channel.select{closed:case_send(1), closed:case_receive()}, closed, nil, false)

local full, roomy = channel.new(1), channel.new(1)
full:send("there")
is(channel.select{full:case_send(1), default = true}, nil, nil, true, true)
is(channel.select{full:case_send(1), roomy:case_send("x")}, roomy, "x", true)
assert(roomy:receive() == "x")
-- A send on a closed channel waits for the other cases.
local result
coroutine.spawn(function() result = channel.select{closed:case_send(1), empty:case_receive()} end)
empty:send(7)
coroutine.yield()
is(result, empty, 7, true)

-- only true is a default, and only cases are cases
for _, cases in ipairs{
  {default = false}, {default = 1}, {default = "true"}, {"text", 5, {}, empty, print},
} do
  local n = #cases
  for i = 1, n do cases[i + 1] = cases[i] end
  cases[1] = empty:case_receive()
  local woken
  coroutine.spawn(function() woken = channel.select(cases) end)
  assert(woken == nil)
  empty:send("v")
  coroutine.yield()
  is(woken, empty, "v", true)
end
for _, default in ipairs{false, 1, "true", {}} do
  local woken
  coroutine.spawn(function() woken = channel.select({empty:case_receive()}, default) end)
  empty:send("v")
  coroutine.yield()
  is(woken, empty, "v", true)
end
-- holes end the array as `#` does
is(channel.select{a:case_receive(), a:case_send(1), "x"}, a, 1, true)
assert(a:receive() == 1)

-- blocked on two channels, woken by one: nothing is left on the other
local x, y, woken = channel.new(), channel.new()
coroutine.spawn(function() woken = channel.select{x:case_receive(), y:case_receive()} end)
y:send("to y")
coroutine.yield()
is(woken, y, "to y", true)
is(channel.select{x:case_send("nobody"), default = true}, nil, nil, true, true)
coroutine.spawn(function() woken = channel.select{x:case_send("out"), y:case_receive()} end)
assert(x:receive() == "out")
coroutine.yield()
is(woken, x, "out", true)
is(channel.select{y:case_send("nobody"), default = true}, nil, nil, true, true)
-- also when that happens often
local busy, quit, count = channel.new(), channel.new(), 0
coroutine.spawn(function()
  while true do
    local r = channel.select{quit:case_receive(), busy:case_receive()}
    if r.channel == quit then count = -count return end
    count = count + r.value
  end
end)
for _ = 1, 1000 do busy:send(1) end
quit:send()
coroutine.yield()
assert(count == -1000)

-- selects meet selects
local got
coroutine.spawn(function() got = channel.select{x:case_receive()} end)
is(channel.select{x:case_send("s")}, x, "s", true)
coroutine.yield()
is(got, x, "s", true)

-- a kept case can be used again, and a case keeps its value
local case, send = a:case_receive(), b:case_send{"kept"}
collectgarbage()
a:send(1) a:send(2)
is(channel.select{case}, a, 1, true)
is(channel.select{case}, a, 2, true)
local kept = channel.select{send}.value
assert(kept[1] == "kept" and channel.select{send}.value == kept and b:receive() == kept and b:receive() == kept)
is(channel.select{case, case, default = true}, nil, nil, true, true)

-- the table of cases may change while it is waited for
local cases = {x:case_receive(), y:case_receive()}
coroutine.spawn(function() woken = channel.select(cases) end)
cases[1], cases[2] = nil, nil
cases = nil
collectgarbage()
y:send("late")
coroutine.yield()
is(woken, y, "late", true)
assert(channel.select{a:case_send(1)} ~= channel.select{a:case_send(1)}, "a new table for each call")

-- Several cases on one channel: the first one counts, however long the list of those that waited before has become.
for n = 1, 40 do
  coroutine.spawn(function() woken = channel.select{x:case_receive(), y:case_receive()} end)
  y:send(n)
  coroutine.yield()
  local cases = {}
  for i = 1, n % 13 + 1 do cases[i] = x:case_send(i) end
  coroutine.spawn(function() channel.select(cases) end)
  assert(x:receive() == 1, n)
  coroutine.yield()
end

-- many cases
local channels, many = {}, {}
for i = 1, 300 do channels[i] = channel.new() many[i] = channels[i]:case_receive() end
coroutine.spawn(function() woken = channel.select(many) end)
channels[300]:send("last")
coroutine.yield()
is(woken, channels[300], "last", true)
