-- oracle: lua5.3
-- budget: 10s 512MiB
-- Metatables, fields and hooks changed in the middle of the operation that uses them.
local t t = setmetatable({}, { __index = function(s, k) setmetatable(s, nil) return "gone" end })
assert(t.x == "gone" and t.x == nil)
local mt = {} mt.__add = function(a, b) mt.__add = nil return 1 end t = setmetatable({}, mt)
assert(t + 1 == 1)
assert(not pcall(function() return t + 1 end)) mt.__newindex = function(s, k, v) mt.__newindex = nil rawset(s, k, v) s.other = v end t.a = 1
assert(t.a == 1 and t.other == 1)
local s = setmetatable({}, { __index = function(s, k) s[k] = k for i = 1, 100 do s[k .. i] = i end return k end }) for i = 1, 100 do
assert(s["f" .. i]) end
local g = setmetatable({}, { __gc = function() end }) setmetatable(g, nil) g = nil
collectgarbage()
local c = setmetatable({}, { __call = function(self, ...) getmetatable(self).__call = nil return ... end })
assert(c(5) == 5 and not pcall(c)) debug.sethook(function() debug.sethook() end, "l")
local x = 1
assert(debug.gethook() == nil)
local env = {}
local f = load("a = 1; setmetatable(_ENV, {__index = function() return 7 end}); return b", "c", "t", env) env.setmetatable, env._ENV = setmetatable, env
assert(f() == 7)
print("ok")
