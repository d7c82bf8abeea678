-- oracle: lua5.3
-- The name of the culprit when something that is no function is called.
local up, upt = nil, {}
local function e(f, ...) print(select(2, pcall(f, ...))) end
e(function() g() end) e(function() up() end) e(function() local l l() end) e(function() upt.x() end) e(function() upt.x.y() end) e(function() upt[1]() end) e(function() upt:m() end) e(function() upt.o:m() end)
e(function() local t = {} t.a = 5 t.a() end) e(function() (1)() end) e(function() ("s")() end) e(function() ({})() end) e(function() (nil)() end) e(function() (up or 5)() end)
e(function() math.nosuch(1) end) e(function() string.nosuch("x") end) e(function() ("x"):nosuch() end) e(function() local s = "x" s:bad() end) e(function() g.x() end) e(function() g:x() end)
e(function() return g() end) e(function() return upt.x() end) e(function() local k = "key" return upt[k]() end) e(function() print(g()) end) e(function() local a = g() + 1 end)
e(function(f) f() end, {}) e(function(...) local f = ... f() end, 1) e(function() upt.f = setmetatable({}, { __call = 1 }) upt.f() end)
e(function() for x in 5 do end end) e(function() for k in g do end end) e(function() for k in up, 1 do end end) e(function() for k in upt.it do end end)
e(function() (function() return nil end)()() end) e(function() upt.t = { 1 } upt.t[1]() end) e(function() _G.zzz() end) e(function() _ENV.zzz() end) e(function() g[1]() end)
