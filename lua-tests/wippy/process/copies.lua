-- flags: --sim 3
-- stress: 300
-- A message is a copy: what it keeps, and what it leaves behind.
local me, inbox = process.pid(), process.inbox()
local function through(v)
  assert(process.send(me, "copy", v))
  return inbox:receive():payload():data()
end

for _, v in ipairs{true, false, 0, -1, 255, 256, math.maxinteger, math.mininteger, 1.5, 2^53, 1/0, "", "a\0b", ("x"):rep(255), ("y"):rep(256), ("z"):rep(100000)} do
  local copy = through(v)
  assert(copy == v and math.type(copy) == math.type(v))
end
assert(math.type(through(2.0)) == "float" and math.type(through(2)) == "integer")
local nan = through(0/0)
assert(nan ~= nan)
assert(process.send(me, "copy", nil))
assert(inbox:receive():payload():data() == nil)

-- Tables are independent, cycles and shared parts survive within one value.
local t = {1, 2, nil, 4, x = {y = {}}, [1.5] = "f", [true] = "t", [-3] = "n"}
t.self, t.again = t, t.x
local copy = through(t)
t[1], t.x.y.z = 99, 1
assert(copy ~= t and copy[1] == 1 and copy[4] == 4 and copy[1.5] == "f" and copy[true] == "t" and copy[-3] == "n")
assert(copy.self == copy and copy.again == copy.x and next(copy.x.y) == nil)
local key = {}
local copy = through{[key] = 1, key = key}
assert(copy[copy.key] == 1)
-- But not across values.
local shared = {}
process.send(me, "two", shared, shared)
local p = inbox:receive():payload()
assert(p[1]:data() ~= p[2]:data())

-- Metatables come along.
local meta = {__index = {inherited = 1}}
local copy = through(setmetatable({}, meta))
assert(copy.inherited == 1 and getmetatable(copy) ~= meta)

-- What belongs to this process stays here.
local copy = through{ch = channel.new(1), n = 1, f = print, co = coroutine.create(print), 1, print, 3}
assert(copy.ch == nil and copy.f == nil and copy.co == nil and copy.n == 1 and copy[1] == 1 and copy[2] == nil and copy[3] == 3)
assert(through(channel.new()) == nil and through(print) == nil)
process.send(me, "m")
assert(through(inbox:receive()) == nil)

-- Errors travel.
local err = errors.new{message = "m", kind = errors.CONFLICT, retryable = true, details = {id = 7}}
for _, copy in ipairs{through(err), through{err}[1]} do
  assert(copy:message() == "m" and copy:kind() == "Conflict" and copy:retryable() == true and copy:details().id == 7)
end

-- Deep structures need no stack.
local deep, depth = {}, math.tointeger(tonumber((...))) or 100000
local t = deep
for i = 1, depth do t[1] = {} t = t[1] end
local n, t = 0, through(deep)
while t[1] do n, t = n + 1, t[1] end
assert(n == depth)

-- The receiver's copy is its own.
local pid = process.spawn("./_echo.lua", "app:processes")
local sent = {list = {1, 2, 3}}
process.send(pid, "echo", sent)
sent.list[1] = "changed"
local back = inbox:receive():payload():data()
assert(back.list[1] == 1 and #back.list == 3)
