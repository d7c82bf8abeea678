-- oracle: lua5.3
-- Error values of all types pass through pcall untouched.
for _, v in ipairs { "s", 1, 1.5, true, false, print } do local ok, e = pcall(error, v, 0) print(ok, e == v, type(e)) end
local t = {} print(select(2, pcall(error, t)) == t, select("#", pcall(error)))
local co = coroutine.create(print) print(select(2, pcall(error, co)) == co)
print(pcall(function() return 1, 2, 3 end)) print(pcall(function() end)) print(pcall(print)) print(select("#", pcall(function() return nil, nil end)))
local function nest(n) if n == 0 then error("deep", 0) end local ok, e = pcall(nest, n - 1) error(e .. n, 0) end print(pcall(nest, 5))
print(pcall(string.rep, "ab", 3)) print(pcall(5)) print(pcall(nil)) print(pcall(setmetatable({}, { __call = function(_, a) return a end }), 7))
local order = {} local ok = pcall(function() order[1] = "a" error() order[2] = "b" end) print(ok, #order)
print(pcall(assert, false, "m")) print(pcall(assert, nil)) print(pcall(assert, 1, 2, 3)) print(pcall(assert, false, nil)) print(select(2, pcall(assert, false, t)) == t)
