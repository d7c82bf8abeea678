-- oracle: lua5.3
-- The name of the culprit in arithmetic, for every kind of variable and operation.
local up, upt = nil, {}
local function e(f, ...) print(select(2, pcall(f, ...))) end
e(function() local a return a + 1 end) e(function() local a return 1 + a end) e(function() return g + 1 end) e(function() return 1 - g end)
e(function() return up * 2 end) e(function() return upt.x / 2 end) e(function() return upt.x.y end) e(function() return upt[1] // 1 end) e(function() local i = 1 return upt[i] % 1 end)
e(function() return -g end) e(function() local s = "x" return -s end) e(function() return -{} end) e(function() local t = {} return t ^ 2 end)
e(function() return "abc" + 1 end) e(function() return 1 + "abc" end) e(function() return {} .. "x" end) e(function() return "x" .. g end) e(function() return g .. "x" end)
e(function() local a, b = "x", {} return a .. b end) e(function() return upt.f .. "" end) e(function() return 1 .. up end)
e(function() return 1 & 1.5 end) e(function() local f = 2.5 return f | 1 end) e(function() return g & 1 end) e(function() return ~upt.z end) e(function() return "a" ~ 1 end) e(function() return 1 << {} end) e(function() local h = 1e100 return h >> 1 end) e(function() return ~1.5 end)
e(function() return #g end) e(function() return #up end) e(function() return #upt.n end) e(function() return #5 end)
e(function(a) return a + 1 end) e(function(...) return ... + 1 end) e(function(...) local x = ... return x + 1 end, {})
e(function() return (nil) + 1 end) e(function() return true + 1 end) e(function() return print + 1 end) e(function() return (g or up) + 1 end)
e(function() return upt.a.b.c end) e(function() return math.nosuch + 1 end) e(function() return string.x.y end) e(function() return _G.a.b end) e(function() return _ENV.q.r end)
e(function() local t = { x = {} } return t.x.y.z end) e(function() local t = {} t.x.y = 1 end) e(function() g.x = 1 end) e(function() up.x = 1 end) e(function() upt.p[1] = 2 end) e(function() local n n[1] = 1 end)
e(function() for i = 1, 10 do local x = i + upt end end) e(function() local t = {} ; t[nil] = 1 end) e(function() local t = setmetatable({}, {__index = function(t, k) return k + {} end}) return t.x end)
e(function() return 2^53 | 0.5 end) e(function() return 10 // 0 end) e(function() return 10 % 0 end) e(function() local z = 0 return 10 % z end)
