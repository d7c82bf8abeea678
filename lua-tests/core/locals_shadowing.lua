-- oracle: lua5.3
local a = 1 do local a = a + 1 assert(a == 2) do local a = a * 10 assert(a == 20) end end assert(a == 1)
local function f(a) local a = a or "none" return a end assert(f() == "none" and f(3) == 3)
