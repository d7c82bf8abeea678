-- oracle: lua5.3
-- __eq, __lt, __le and the fallback of __le to not __lt(b, a).
local calls = {}
local mt = { __eq = function(a, b) calls[#calls + 1] = "eq" return a.v == b.v end, __lt = function(a, b) calls[#calls + 1] = "lt" return a.v < b.v end }
local function new(v) return setmetatable({ v = v }, mt) end
local a, b, c = new(1), new(2), new(1)
print(a == b, a == c, a ~= c, a == a, a == 1, rawequal(a, c))
print(a < b, a > b, a <= b, a >= b, a <= c, c >= a)
print(table.concat(calls, " "))
mt.__le = function(x, y) return "truthy" end
print(a <= b, a >= b, not (a <= b))
print(pcall(function() return a < 1 end))
print(pcall(function() return a < "x" end))
print(pcall(function() return {} < {} end))
print(pcall(function() return {} <= 1 end))
print(pcall(function() return setmetatable({}, {}) < setmetatable({}, {}) end))
local e1, e2 = setmetatable({}, { __eq = function() return true end }), setmetatable({}, { __eq = function() return false end })
print(e1 == e2, e2 == e1, e1 == {}, {} == e1, e1 ~= e2)
local n = setmetatable({}, { __eq = function() return nil end }) print(n == {}, n ~= {})
local l = setmetatable({}, { __lt = function() return nil end }) print(l < l, l <= l, l < 1, 1 < l)
