-- oracle: lua5.3
local function n(...) return select("#", ...) end assert(n() == 0 and n(nil) == 1 and n(n(), n()) == 2 and n((n())) == 1) local function f(...) local a, b = ... return b, a end assert(select(2, f(1, 2)) == 1) local function g(...) return ... end assert(n(g(1, nil, nil)) == 3 and n(g(1, 2), 3) == 2 and n((g(1, 2))) == 1) assert(#{ g(1, 2, 3), g(1, 2, 3) } == 4)
