-- oracle: lua5.3
-- budget: 10s 512MiB
-- Chains and rings of __index and __newindex tables.
local function chain(n, event)
local t = {}
local last = t last.found = "yes" for i = 1, n do t = setmetatable({}, { [event] = t }) end return t, last end
assert(chain(2, "__index").found == "yes")
assert(chain(1990, "__index").found == "yes") local ok, e = pcall(function() return chain(2001, "__index").nothing end)
assert(not ok and e:find("'__index' chain too long; possible loop")) local t, last = chain(1990, "__newindex") t.new = 5
assert(last.new == 5) ok, e = pcall(function() chain(2001, "__newindex").new = 1 end)
assert(not ok and e:find("'__newindex' chain too long; possible loop")) local a, b = {}, {} setmetatable(a, { __index = b, __newindex = b }) setmetatable(b, { __index = a, __newindex = a }) ok, e = pcall(function() return a.x end)
assert(not ok and e:find("too long")) ok, e = pcall(function() a.x = 1 end)
assert(not ok and e:find("too long"))
local s = {} s.__index = s setmetatable(s, s) ok, e = pcall(function() return s.x end)
assert(not ok and e:find("too long")) s.__newindex = s ok = pcall(function() s.y = 1 end)
assert(not ok) local c1, c2 = {}, {} setmetatable(c1, { __call = c2 }) setmetatable(c2, { __call = c1 }) ok, e = pcall(c1)
assert(not ok)
local m = {} setmetatable(m, m)
assert(m.x == nil and tostring(m)) m.__call = m ok = pcall(m)
assert(not ok)
print("ok")
