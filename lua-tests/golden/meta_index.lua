-- oracle: lua5.3
-- __index and __newindex as tables and functions, chains, rawget and rawset.
local base = { a = 1 }
local mid = setmetatable({ b = 2 }, { __index = base })
local t = setmetatable({ c = 3 }, { __index = mid })
print(t.a, t.b, t.c, t.d, rawget(t, "a"), t[1])
local f = setmetatable({}, { __index = function(t, k) return k .. "!" end })
print(f.x, f[1], f["y z"], rawget(f, "x"))
local store = {}
local w = setmetatable({}, { __newindex = store })
w.x = 1 rawset(w, "y", 2) print(rawget(w, "x"), store.x, w.y) w.y = 3 print(rawget(w, "y"), store.y)
local log = {}
local g = setmetatable({}, { __newindex = function(t, k, v) log[#log + 1] = k .. "=" .. tostring(v) rawset(t, k, v) end })
g.a = 1 g.a = 2 g.b = nil g.b = 3 print(table.concat(log, " "))
print(pcall(function() return setmetatable({}, { __index = 5 }).x end))
print(pcall(function() setmetatable({}, { __newindex = "s" }).x = 1 end))
print(setmetatable({}, { __index = "abc" }).len == string.len)
print(("x").len == string.len, ("x").nosuch, pcall(function() return ("x").y.z end))
print(pcall(function() local s = "x" s.y = 1 end))
local multi = setmetatable({}, { __index = function() return 1, 2 end }) print(multi.x, (multi.y))
local self = {} self.__index = self setmetatable(self, self) print(pcall(function() return self.nope end))
