-- oracle: lua5.3
-- budget: 10s 512MiB
-- Every metamethod as a function that calls itself.
local function over(name, f) local ok, e = pcall(f)
assert(not ok and tostring(e):find("overflow") or tostring(e):find("memory") , name .. ": " .. tostring(e)) end
local function self(event, f) return setmetatable({}, { [event] = f }) end
local t
t = self("__index", function(t, k) return t[k .. ""] end)
over("index", function() return t.x end) t = self("__newindex", function(t, k, v) t[k] = v end)
over("newindex", function() t.x = 1 end) t = self("__call", function(t) return 1 + t() end)
over("call", function() return t() end)
local u for event, f in pairs { add = function(a, b) return 1 + (a + b) end, sub = function(a, b) return 1 + (a - b) end, mul = function(a, b) return 1 + (a * b) end, div = function(a, b) return 1 + (a / b) end, mod = function(a, b) return 1 + (a % b) end, pow = function(a, b) return 1 + (a ^ b) end, idiv = function(a, b) return 1 + (a // b) end, band = function(a, b) return 1 + (a & b) end, shl = function(a, b) return 1 + (a << b) end, concat = function(a, b) return 1 + (a .. b) end } do
local v = self("__" .. event, f) over(event, function() return f(v, 1) end) end
t = self("__unm", function(a) return 1 + -a end)
over("unm", function() return -t end) t = self("__bnot", function(a) return 1 + ~a end)
over("bnot", function() return ~t end) t = self("__len", function(a) return 1 + #a end)
over("len", function() return #t end)
local mt = {} mt.__eq = function(a, b) return not (a == b) end mt.__lt = function(a, b) return not (a < b) end mt.__le = function(a, b) return not (a <= b) end t, u = setmetatable({}, mt), setmetatable({}, mt)
over("eq", function() return t == u end)
over("lt", function() return t < u end)
over("le", function() return t <= u end)
t = self("__tostring", function(t) return tostring(t) end)
over("tostring", function() return tostring(t) end)
over("format", function() return ("%s"):format(t) end)
over("print", function() print(t) end) t = self("__pairs", function(t) return pairs(t) end)
over("pairs", function() for _ in pairs(t) do end end)
t = self("__index", function(t, k) return table.concat(t, ",", 1, 2) end)
over("concat", function() return table.concat(t, ",", 1, 2) end) t = self("__index", function(t, k) return 1, table.unpack(t, 1, 2) end)
over("unpack", function() return table.unpack(t, 1, 2) end) t = self("__index", function(t, k) return (rawget(t, k) or t[k]) end)
over("index chain", function() return t[1] end)
print("ok")
