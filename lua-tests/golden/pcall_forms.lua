-- oracle: lua5.3
-- Protected calls with every number of arguments, results and wanted results.
local function give(n, ...) if n == 0 then return end if n == 1 then return ... end return n, ... end
print(pcall(give, 0))
print(pcall(give, 1))
print(pcall(give, 1, "a"))
print(pcall(give, 3, "a", "b"))
print((pcall(give, 3, "a")))
print(select("#", pcall(give, 0)), select("#", pcall(give, 1, nil, nil)))
pcall(give, 2)
local a = pcall(give, 2)
local b, c = pcall(give, 2)
local d, e, f, g = pcall(give, 2, "x")
print(a, b, c, d, e, f, g)
local t = { pcall(give, 2, "x", nil, "z") }
print(#t, t[1], t[2], t[3], t[4], t[5])
print(pcall(function(x, y, z) return x, y, z end, 1))
print(pcall(function(x) return x end, 1, 2, 3))
print(pcall(function() end, 1, 2, 3))
print(pcall(function(...) return select("#", ...), ... end, nil, nil))
-- Tail calls out of it, and of it.
print(pcall(function() return give(2, "t") end))
print((function(...) return pcall(...) end)(give, 2, "u"))
print(pcall(pcall))
print(pcall(pcall, give, 1, "v"))
print(pcall(pcall, pcall, error, "w"))
print(pcall(5))
print(pcall(nil, 1))
-- Errors at some depth, closing what is open; the registers around stay.
local function fail(n, up) local mine = n local function get() mine = mine + 1 return mine end
  if n == 0 then up.get = get error(up, 0) end return fail(n - 1, up) + 1 end
local up = {}
local before, ok, err, after = "before", pcall(fail, 20, up)
print(before, ok, err == up, after, up.get(), up.get())
for i = 1, 3 do
  local x, ok, y = i, pcall(function() local z = i * 2 if i == 2 then error({ z }) end return z end)
  print(x, ok, type(y))
end
-- Deep nesting of protected calls, with and without an error at the end.
local function nest(n, e) if n == 0 then if e then error(e, 0) end return "end" end
  local r = table.pack(pcall(nest, n - 1, e)) return r.n, r[r.n] end
print(nest(50), (select(2, nest(50))))
print(nest(50, "E"))
local depth = 0
local function down() depth = depth + 1 return (pcall(down)) end
print(pcall(down), depth > 100)
-- Coroutines that yield inside, and garbage while it runs.
local co = coroutine.wrap(function(...) return "done", pcall(function(...) return coroutine.yield(...) end, ...) end)
print(co(1, 2))
print(co(3, 4))
local sum = 0
for i = 1, 2000 do
  local ok, t = pcall(function(n) local t = {} for j = 1, 20 do t[j] = { n + j } end return t end, i)
  sum = sum + #t + t[20][1]
end
print(sum)
-- The frame of pcall is there for those who look.
print(pcall(function() return debug.getinfo(2, "n").name, debug.getinfo(2, "S").what end))
