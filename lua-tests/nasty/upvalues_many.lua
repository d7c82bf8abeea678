-- oracle: lua5.3
-- budget: 10s 512MiB
-- Many closures over many open variables, closed in odd orders.
local fs = {} for i = 1, 10000 do local a, b = i, -i fs[i] = function(x) a = a + (x or 0) return a + b end end for i = 1, 10000 do
assert(fs[i](1) == 1) end local function many()
local t = {} local a, b, c, d, e, f, g, h = 1, 2, 3, 4, 5, 6, 7, 8 for i = 1, 8 do t[i] = function() a, b, c, d, e, f, g, h = b, c, d, e, f, g, h, a return a end end return t end
local m = many() for i = 1, 80 do m[i % 8 + 1]() end
assert(m[1]() == 2)
local co = coroutine.wrap(function()
local x = 0 local function inc() x = x + 1 return x end coroutine.yield(inc) coroutine.yield(x) end)
local inc = co() inc() inc()
assert(co() == 2) co = nil
collectgarbage()
assert(inc() == 3) local ok, f = pcall(function()
local v = 5
local g = function() return v end error(g) end)
assert(f() == 5) for i = 1, 100 do
local x = i if i % 2 == 0 then goto skip end fs[i] = function() return x end ::skip:: end
assert(fs[99]() == 99)
print("ok")
