-- oracle: lua5.3
-- Constructor forms and evaluation order.
local order = {}
local function o(x) order[#order + 1] = x return x end
local t = { o(1), [o("k")] = o("v"), o(2), x = o("xv"), o(3); o(4), }
print(table.concat(order, " "), #t, t.k, t.x, t[4])
local function three() return 1, 2, 3 end
print(#{ three() }, #{ three(), three() }, #{ (three()) }, #{ three(), nil }, #{ [1] = 1, [2] = 2 })
local big = {}
for i = 1, 300 do big[i] = tostring(i) end
local f = load("return {" .. table.concat(big, ",") .. "}")
print(#f(), f()[300])
print(({ 1, 2, 3 })[2], ({ a = { b = { c = 5 } } }).a.b.c, #{ n = 1, 2 })
print(pcall(load("return {[nil] = 1}")))
print(pcall(load("return {[0/0] = 1}")))
print(next({}), type({}), { } ~= { }, ({ ... })[1])
local s = { "a", "b", [3] = "c", [2] = "override?" }
print(s[2], s[3])
