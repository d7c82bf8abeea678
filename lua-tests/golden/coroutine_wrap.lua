-- oracle: lua5.3
-- wrap: iteration, errors with positions, dead wraps.
local function gen(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i, i * i) end end) end
for i, s in gen(3) do io.write(i, ":", s, " ") end print()
local w = coroutine.wrap(function() return 1 end) print(w()) print(pcall(w)) print(pcall(w))
w = coroutine.wrap(function() error("bad") end) print(pcall(w)) print(pcall(w))
w = coroutine.wrap(function() error({ 1 }) end) print(type(select(2, pcall(w))))
w = coroutine.wrap(function() error("no position", 0) end) print(pcall(w))
local function perm(a, n) n = n or #a if n <= 1 then coroutine.yield(a) else for i = 1, n do a[n], a[i] = a[i], a[n] perm(a, n - 1) a[n], a[i] = a[i], a[n] end end end
for p in coroutine.wrap(function() perm { "a", "b", "c" } end) do io.write(table.concat(p), " ") end print()
w = coroutine.wrap(function(...) print(...) print(coroutine.yield(...)) return "last" end) print(w(1, 2)) print(w(3, 4))
w = coroutine.wrap(function() return pcall(w) end) print(w())
print(pcall(coroutine.wrap(function() local x = coroutine.wrap(function() local y = nil; y.z = 1 end) x() end)))
