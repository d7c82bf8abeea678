-- oracle: lua5.3
local fs = {} do local i = 1 ::again:: local v = i fs[i] = function() v = v + 1 return v end i = i + 1 if i <= 3 then goto again end end assert(fs[1]() == 2 and fs[1]() == 3 and fs[2]() == 3 and fs[3]() == 4)
