-- oracle: lua5.3
-- Arithmetic, bitwise and concat events: which operand's handler runs, with which arguments.
local log = {}
local function name(v) if type(v) == "table" then return v.name end return tostring(v) end
local function handler(event) return function(a, b) return event .. "(" .. tostring(name(a)) .. "," .. tostring(name(b)) .. ")" end end
local mt = {}
for _, e in ipairs { "add", "sub", "mul", "div", "mod", "pow", "unm", "idiv", "band", "bor", "bxor", "shl", "shr", "bnot", "concat" } do mt["__" .. e] = handler(e) end
local x, y = setmetatable({ name = "x" }, mt), setmetatable({ name = "y" }, { __add = handler("add2"), __concat = handler("concat2") })
print(x + 1, 1 + x, x + y, y + x, 1.5 - x, x * "s", "10" / x, x % 2, 2 ^ x, x // 2, -x)
print(x & 1, 1 | x, x ~ 2.5, x << 1, 1 >> x, ~x, x & "a")
print(x .. "s", "s" .. x, 1 .. x, x .. y, y .. x, "a" .. "b" .. x, x .. "a" .. "b", nil .. x, x .. {})
print(pcall(function() return y - 1 end), pcall(function() return {} + 1 end))
local one = setmetatable({}, { __add = function() return 1, 2, 3 end }) print((one + 1), one + 1)
print(pcall(function() return setmetatable({}, { __add = 5 }) + 1 end))
local call = setmetatable({}, { __add = setmetatable({}, { __call = function(self, a, b) return "called " .. tostring(b) end }) }) print(call + 3)
