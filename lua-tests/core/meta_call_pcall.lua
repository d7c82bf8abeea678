-- oracle: lua5.3
local c = setmetatable({}, { __call = function(self, a, b) return b, a end }) local x, y = c(1, 2) assert(x == 2 and y == 1) local ok, p, q = pcall(c, 1, 2) assert(ok and p == 2 and q == 1) assert(select("#", c()) == 2)
