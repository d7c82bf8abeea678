-- oracle: lua5.3
-- budget: 10s 512MiB
-- Coroutines within coroutines until the limit of nesting; an error passes through all of them.
local function nest(n) if n == 0 then error("bottom", 0) end return coroutine.wrap(nest)(n - 1) end local ok, e = pcall(nest, 50)
assert(not ok and e:find("bottom$")) ok, e = pcall(nest, 100000)
assert(not ok and (e:find("overflow") or e:find("bottom$"))) local function chain(n)
local c = coroutine.wrap(function() while true do coroutine.yield(n) end end) if n == 0 then return c end return coroutine.wrap(function()
local inner = chain(n - 1) while true do coroutine.yield(inner() + 1) end end) end
local c = chain(60)
assert(c() == 60)
assert(c() == 60) local list for i = 1, 20000 do
local prev = list list = coroutine.create(function()
local keep = prev coroutine.yield(keep) end) coroutine.resume(list) end list = nil
collectgarbage()
print("ok")
