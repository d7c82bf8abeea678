-- oracle: lua5.3
-- Comparators that do more than compare, while the sort goes on.
local function numbers(n)
  local t, x = {}, 7
  for i = 1, n do x = (x * 75 + 74) % 65537 t[i] = x end
  return t
end
local function check(t, n, before)
  assert(#t == n)
  for i = 2, n do assert(not before(t[i], t[i - 1]), i) end
end

-- Counting, with upvalues, varargs, and a comparator that yields nothing special.
for _, n in ipairs { 0, 1, 2, 3, 4, 5, 10, 100, 101, 1000 } do
  local calls = 0
  local function before(a, b) calls = calls + 1 return a < b end
  local t = numbers(n)
  table.sort(t, before)
  check(t, n, function(a, b) return a < b end)
  print(n, calls)
end
local t = numbers(300)
table.sort(t, function(...) local a, b = ... return a > b end)
check(t, 300, function(a, b) return a > b end)
t = numbers(50)
table.sort(t, function(a, b, c) assert(c == nil) return tostring(a) < tostring(b) end)
check(t, 50, function(a, b) return tostring(a) < tostring(b) end)

-- Results other than one boolean.
t = numbers(40)
table.sort(t, function(a, b) if a < b then return 1, 2, 3 end end)
check(t, 40, function(a, b) return a < b end)
t = numbers(40)
table.sort(t, function(a, b) return a < b or nil, "more" end)
check(t, 40, function(a, b) return a < b end)

-- Comparators that are not plain Lua functions.
print(pcall(table.sort, numbers(60), setmetatable({}, { __call = function(_, a, b) return a < b end })))
t = { { 1 }, { 2 }, { 3 } }
print(pcall(table.sort, t, rawequal))
print(pcall(table.sort, t, 5))

-- One that collects, one that sorts, one that fails, one that yields where it may not.
t = numbers(70)
table.sort(t, function(a, b) if a % 7 == 0 then collectgarbage() end return a < b end)
check(t, 70, function(a, b) return a < b end)
t = numbers(30)
table.sort(t, function(a, b)
  local inner = { 3, 1, 2 }
  table.sort(inner, function(x, y) return x > y end)
  assert(inner[1] == 3)
  return a < b
end)
check(t, 30, function(a, b) return a < b end)
local seen = 0
print(pcall(table.sort, numbers(90), function(a, b) seen = seen + 1 if seen == 100 then error("enough", 0) end return a < b end))
print(coroutine.resume(coroutine.create(function()
  table.sort(numbers(10), function(a, b) coroutine.yield() return a < b end)
end)))
print(pcall(table.sort, numbers(100), function() return true end))

-- A comparator that takes the table away, moves it to the hash part, or gives it a metatable.
t = numbers(64)
seen = 0
pcall(table.sort, t, function(a, b)
  seen = seen + 1
  if seen == 20 then for i = 1, 64 do t[i] = nil end t.x = 1 for i = 64, 1, -1 do t[i] = i end end
  return (a or 0) < (b or 0)
end)
local count = 0
for k, v in pairs(t) do count = count + 1 end
assert(count == 65)
t = numbers(64)
local reads = 0
seen = 0
table.sort(t, function(a, b)
  seen = seen + 1
  if seen == 30 then
    setmetatable(t, { __index = function() reads = reads + 1 end, __newindex = function() error("not reached") end })
  end
  return a < b
end)
check(t, 64, function(a, b) return a < b end)
assert(reads == 0)
print "ok"
