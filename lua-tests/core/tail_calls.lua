-- oracle: lua5.3
local function loop(n, acc) if n == 0 then return acc end return loop(n - 1, acc + 1) end assert(loop(1000000, 0) == 1000000) local o = { n = 0 } function o:m(k) if k == 0 then return self.n end self.n = self.n + 1 return self:m(k - 1) end assert(o:m(100000) == 100000)
