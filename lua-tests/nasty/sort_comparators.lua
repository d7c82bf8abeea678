-- oracle: lua5.3
-- budget: 10s 512MiB
-- Comparators that lie, raise, change the table or resume others: an error or a result, never a crash.
local function list(n) local t = {} for i = 1, n do t[i] = (i * 7919) % n end return t end
local seed = 1 local function random() seed = (seed * 1103515245 + 12345) % 2147483648 return seed end
for _, n in ipairs { 2, 3, 5, 10, 100, 1000 } do
  for _, f in ipairs { function() return true end, function() return false end, function() return random() % 2 == 0 end, function(a, b) return a <= b end, function(a, b) return nil end, function() return 0 end } do
local t = list(n) local ok, e = pcall(table.sort, t, f)
assert(ok or e:find("invalid order function") or e:find("attempt to compare") or e:find("nil"))
assert(#t == n) end
  local t = list(n) local ok, e = pcall(table.sort, t, function(a, b) t[#t + 1] = a return a < b end)
assert(ok or type(e) == "string") t = list(n) ok, e = pcall(table.sort, t, function(a, b) for i = 1, n do t[i] = nil end return false end)
assert(ok or type(e) == "string") ok, e = pcall(table.sort, list(n), function() error("raised", 0) end)
assert(not ok and e == "raised")
local co = coroutine.wrap(function() while true do coroutine.yield(true) end end) t = list(n) table.sort(t, function(a, b) co() return a < b end) for i = 2, n do
assert(t[i - 1] <= t[i]) end t = list(n) table.sort(t, function(a, b) collectgarbage("step") return a > b end) ok, e = coroutine.resume(coroutine.create(function() table.sort(list(n), function(a, b) coroutine.yield() end) end))
assert(not ok and e:find("yield across"))
end
local nan = 0 / 0
assert(pcall(table.sort, { 3, nan, 1, nan, 2 }) or true)
assert(not pcall(table.sort, { 3, nil, 1, n = 3 }) or true)
assert(not pcall(table.sort, { 1, "a" }))
assert(not pcall(table.sort, { {}, {} }))
assert(not pcall(table.sort, { print, print }))
local t = {} for i = 1, 100000 do t[i] = i end table.sort(t) table.sort(t, function(a, b) return a > b end)
assert(t[1] == 100000) for i = 1, 100000 do t[i] = 5 end table.sort(t)
assert(#t == 100000)
print("ok")
