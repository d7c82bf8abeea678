-- oracle: lua5.3
local function new() local n = 0 return function() n = n + 1 return n end end local a, b = new(), new() a() a() assert(a() == 3 and b() == 1)
