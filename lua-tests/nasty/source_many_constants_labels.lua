-- oracle: lua5.3
-- budget: 10s 512MiB
-- 10^5 constants, gotos and labels, functions, string and number literals.
local n = 100000 local t = {}
for i = 1, n do t[i] = "x[" .. i .. "]=" .. i + 0.5 end
local x = {} load("local x = ... " .. table.concat(t, " "))(x)
assert(#x == n and x[n] == n + 0.5)
for i = 1, n do t[i] = "s = 's" .. i .. "'" end local env = {} load(table.concat(t, "\n"), "c", "t", env)() assert(env.s == "s" .. n)
for i = 1, n do t[i] = "function f" .. i .. "() return " .. i .. " end" end env = {} load(table.concat(t, "\n"), "c", "t", env)()
assert(env.f99999() == 99999)
t = {} for i = 1, 2000 do t[i] = "goto l" .. i .. " ::l" .. i .. "::" end
assert(load(table.concat(t, " ")))() t = {} for i = 1, 3000 do t[i] = "do local a = 1; goto e; ::e:: end" end
assert(load(table.concat(t, "\n")))()
local parts = {} for i = 1, 250 do parts[i] = tostring(i) end assert(select("#", load("return " .. table.concat(parts, ","))()) == 250)
print("ok")
