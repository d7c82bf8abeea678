-- oracle: lua5.3
local function f(a, b) local c = 3 return debug.getinfo(1, "nSl"), debug.getlocal(1, 3) end local i, n, v = f(1, 2) assert(i.name == "f" and i.namewhat == "local" and i.currentline == 2 and i.short_src == "debug_basics.lua" and n == "c" and v == 3) local u = 1 local function g() return u end assert(debug.getupvalue(g, 1) == "u" and debug.setupvalue(g, 1, 9) == "u" and u == 9)
