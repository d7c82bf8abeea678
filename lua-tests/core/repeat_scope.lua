-- oracle: lua5.3
local n = 0 repeat local stop = n == 3 n = n + 1 until stop assert(n == 4) local fs = {} repeat local k = #fs + 1 fs[k] = function() return k end until k == 3 assert(fs[1]() == 1 and fs[3]() == 3)
