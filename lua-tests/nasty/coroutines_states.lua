-- oracle: lua5.3
-- budget: 10s 512MiB
-- Resuming oneself, a parent, a dead one; yields where none is allowed; many suspended and dropped.
local co co = coroutine.create(function() return coroutine.resume(co) end) local ok, a, b = coroutine.resume(co)
assert(ok and a == false and b == "cannot resume non-suspended coroutine")
assert(select(2, coroutine.resume(co)) == "cannot resume dead coroutine") local parent parent = coroutine.create(function() return coroutine.resume(coroutine.create(function() return coroutine.resume(parent) end)) end) local _, _, x, y = coroutine.resume(parent)
assert(x == false and y:find("non%-suspended"))
assert(not pcall(coroutine.yield)) local w w = coroutine.wrap(function() w() end) ok, a = pcall(w)
assert(not ok and a:find("cannot resume"))
for i = 1, 100000 do
local c = coroutine.wrap(function(v) coroutine.yield(v) end) c(i) end
local live = {} for i = 1, 10000 do live[i] = coroutine.create(function(v) while true do v = coroutine.yield(v + 1) end end) coroutine.resume(live[i], i) end for i = 1, 10000 do
assert(select(2, coroutine.resume(live[i], i)) == i + 1) end live = nil collectgarbage()
local c = coroutine.wrap(function(...) return select("#", ...) end)
assert(c(table.unpack({}, 1, 200)) == 200) c = coroutine.create(function() return table.unpack({}, 1, 5000) end)
assert(select("#", coroutine.resume(c)) == 5001) c = coroutine.wrap(function() for i = 1, 100000 do coroutine.yield() end return "end" end) for i = 1, 100000 do c() end
assert(c() == "end") c = coroutine.create(function() local function deep(n) if n == 0 then coroutine.yield("bottom") else deep(n - 1) end return n end deep(10000) return "up" end)
assert(select(2, coroutine.resume(c)) == "bottom")
assert(select(2, coroutine.resume(c)) == "up") local function over() local ok, e = coroutine.resume(coroutine.create(over)) if not ok then error(e, 0) end end ok, a = pcall(over)
assert(not ok and a:find("overflow")) c = coroutine.create(function() local function f() return f() + 1 end return f() end) ok, a = coroutine.resume(c)
assert(not ok and a:find("stack overflow") and coroutine.status(c) == "dead")
print("ok")
