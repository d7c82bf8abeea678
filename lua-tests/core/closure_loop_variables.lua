-- oracle: lua5.3
local fs = {} for i = 1, 5 do fs[i] = function(d) i = i + (d or 0) return i end end assert(fs[1](10) == 11 and fs[1]() == 11 and fs[2]() == 2) for k, v in pairs { a = 1, b = 2 } do fs[k] = function() return v end end assert(fs.a() == 1 and fs.b() == 2)
