-- oracle: lua5.3
local function f() local _ENV = { x = 1 } x = x + 1 return x end assert(f() == 2 and x == nil) local g = load("y = 5 return y", "c", "t", {}) assert(g() == 5 and y == nil)
