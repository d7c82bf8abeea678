-- oracle: lua5.3
local a, b = 1, 2 a, b = b, a assert(a == 2 and b == 1) local t = { 1, 2, 3 } local i = 1 i, t[i] = 2, "x" assert(t[1] == "x" and i == 2)
local function f() return 1, 2, 3 end local x, y, z, w = 0, f() assert(x == 0 and w == 3) x, y = f(), 10 assert(x == 1 and y == 10)
