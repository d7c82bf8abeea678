-- oracle: lua5.3
-- budget: 10s 512MiB
-- Left-associative chains of 10^5 links are ordinary source.
local n = 100000
local function run(s, ...) return assert(load(s))(...) end
assert(run("local a = 1 return a" .. (" + a"):rep(n)) == n + 1)
assert(run("local a = 1 return a" .. (" - a"):rep(n)) == 1 - n)
local f f = function() return f end assert(run("local f = ... return f" .. ("()"):rep(n), f) == f)
local t = {} t[1] = t t.x = t function t:m() return self end
assert(run("local t = ... return t" .. ("[1]"):rep(n), t) == t)
assert(run("local t = ... return t" .. (".x"):rep(n), t) == t)
assert(run("local t = ... return t" .. (":m()"):rep(n), t) == t)
assert(run("return 1" .. (" == 1"):rep(1)) == true) assert(run("local x = 0 " .. ("x = x + 1 "):rep(n) .. "return x") == n)
assert(run("local x " .. (";"):rep(n) .. "return 5") == 5)
print("ok")
