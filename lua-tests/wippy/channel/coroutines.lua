-- Managed and manual coroutines together.
local args
local co = coroutine.spawn(function(...) args = select("#", ...) end, 1, 2)
assert(args == 0 and type(co) == "thread" and coroutine.status(co) == "dead")
assert(not pcall(coroutine.spawn, 3) and not pcall(coroutine.spawn) and not pcall(coroutine.spawn, print))

-- status and resume
local ch, inside = channel.new()
co = coroutine.spawn(function() inside = coroutine.running() ch:receive() end)
assert(inside == co and coroutine.status(co) == "suspended")
local ok, why = coroutine.resume(co)
assert(ok == false and type(why) == "string")
coroutine.spawn(function()
  local main = select(2, coroutine.running())
  assert(main == false and coroutine.status(coroutine.running()) == "running")
end)
ch:send(1)
coroutine.yield()
assert(coroutine.status(co) == "dead" and select(2, coroutine.running()) == true)

-- yield gives way and returns nothing
local log = {}
coroutine.spawn(function() coroutine.yield() log[#log + 1] = "other" end)
assert(select("#", coroutine.yield(1, 2, 3)) == 0)
assert(log[1] == "other")

-- a yield in a manual coroutine goes to its resumer
local gen = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end)
assert(gen(1) == 2 and gen(21) == 42)

-- a manual coroutine waits together with the managed one that resumed it
local data = channel.new()
coroutine.spawn(function() for i = 1, 3 do data:send(i) end data:close() end)
local values = {}
for v in coroutine.wrap(function()
  for v in data.receive, data do coroutine.yield(v * 10) end
end) do values[#values + 1] = v end
assert(table.concat(values, " ") == "10 20 30")

-- nested, with an error that passes through
local function nest(depth, f)
  if depth == 0 then return f() end
  local inner = coroutine.wrap(nest)
  return inner(depth - 1, f)
end
coroutine.spawn(function() ch:send("deep") end)
assert(nest(20, function() return (ch:receive()) end) == "deep")
coroutine.spawn(function() ch:send("deep") end)
local thrown = {}
ok, why = coroutine.resume(coroutine.create(function() ch:receive() error(thrown) end))
assert(not ok and why == thrown)
coroutine.spawn(function() ch:send("deep") end)
local e = errors.new("an object")
co = coroutine.create(function() nest(3, function() ch:receive() error(e) end) end)
ok, why = coroutine.resume(co)
assert(not ok and why == e)

-- made here, resumed there, blocked in between
local shared = coroutine.create(function(...)
  local n = select("#", ...)
  while true do n = coroutine.yield(n .. ch:receive()) end
end)
local results = {}
coroutine.spawn(function() results[1] = {coroutine.resume(shared, 1, 2)} end)
assert(coroutine.status(shared) == "suspended")
ok, why = coroutine.resume(shared)
assert(ok == false and type(why) == "string")
local wrapped = coroutine.wrap(function() ch:receive() end)
coroutine.spawn(function() wrapped() results[2] = true end)
assert(not pcall(wrapped))
ch:send("x") ch:send("y")
coroutine.yield()
assert(results[1][1] == true and results[1][2] == "2x" and results[2])
coroutine.spawn(function() results[3] = {coroutine.resume(shared, "again ")} end)
ch:send("z")
coroutine.yield()
assert(results[3][2] == "again z" and coroutine.status(shared) == "suspended")

-- a managed coroutine started in a manual one is as independent as any
local started
coroutine.wrap(function()
  coroutine.spawn(function() ch:receive() started = "later" end)
  started = "now"
end)()
assert(started == "now")
ch:send(1)
coroutine.yield()
assert(started == "later")

-- parked coroutines keep what they need and their variables
local sum, parked = 0, channel.new()
for i = 1, 200 do
  local upvalue = {i}
  coroutine.spawn(function()
    local t = setmetatable({i}, {__index = function() return parked:receive() end})
    local x = t.x[1]
    sum = sum + x + t[1] + upvalue[1]
  end)
end
collectgarbage() collectgarbage()
for i = 1, 200 do parked:send{i} if i % 50 == 0 then collectgarbage() end end
coroutine.yield()
assert(sum == 3 * 200 * 201 // 2)

-- values in a channel that only a parked coroutine knows
local weak = setmetatable({}, {__mode = "v"})
do
  local only = channel.new(5)
  local value = {}
  only:send(value)
  weak.value, weak.channel = value, only
end
collectgarbage() collectgarbage()
assert(weak.channel == nil and weak.value == nil)
local keep = channel.new(5)
do
  local value, sent = {}, {}
  keep:send(value)
  weak.value, weak.sent = value, sent
  coroutine.spawn(function() local v = sent sent = nil ch:send(v) end)
end
collectgarbage() collectgarbage()
assert(weak.value and keep:receive() == weak.value and weak.sent and ch:receive() == weak.sent)

-- the end of main drops the rest on the spot
coroutine.spawn(function()
  local object = setmetatable({}, {__gc = function() io.write("finalizers run\n") end})
  pcall(function() ch:receive() end)
  print("never", object)
end)
coroutine.spawn(function() while true do coroutine.yield() end end)
print("end")
