-- oracle: lua5.3
-- Tables in upvalues, indexed by anything, in functions with and without `...`.
local t, k, none, log = { 10, 20, x = "X", [2.5] = "F" }, "x", nil, {}
local m = setmetatable({}, { __index = function(_, key) log[#log + 1] = tostring(key) return key end })
local function plain(i) return t[i], t[k], t[i + 0.5], t["y" .. i], m[i], m[k] end
local function open(...) local i = ... return t[i], t[k], t[i + 0.5], select("#", ...), m[i], m[k], ... end
print(plain(1)) print(plain(2)) print(plain(3))
print(open(1)) print(open(2, nil, "z")) print(open(3, 4))
print(table.concat(log, " "))
local function change(v) t = v return t[1], t[k] end
print(change { "new", x = "Y" })
print(pcall(change, nil))
print(pcall(function(i) return none[i] end, 1))
print(pcall(function(...) return none[...] end, 1))
print(pcall(function() return none[k].z end))
t = { {} }
print(pcall(function(i) return t[i].a.b end, 1))
print(pcall(function(i) return t[i]() end, 1))
print(pcall(function() t[nil] = 1 end))
-- The upvalue is read after the key.
local u = { "first" }
local function swap() u = { "second" } return 1 end
local function read() return u[swap()] end
print(read(), u[1])
-- Functions with `...` that call themselves, with closures over their parameters.
local function count(n, ...)
  local function get() n = n + 1 return n end
  if select("#", ...) == 5 then return n, get(), get(), ... end
  return count(n + 1, n, ...)
end
print(count(0))
local function many(...) local f = function() return t end return f() == t, select("#", ...), (select(-1, ...)) end
print(many(table.unpack({}, 1, 0), 1)) print(many(table.unpack({ 1, 2, 3 }, 1, 200), "last"))
print(debug.getlocal(1, -1) == nil, (function(a, ...) local _, v = debug.getlocal(1, -2) return v end)(1, 2, 3))
