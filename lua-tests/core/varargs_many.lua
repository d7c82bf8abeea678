-- oracle: lua5.3
local t = {} for i = 1, 5000 do t[i] = i end local function sum(...) local s = 0 for _, v in ipairs { ... } do s = s + v end return s end assert(sum(table.unpack(t)) == 12502500) assert(select("#", table.unpack(t)) == 5000) assert(math.max(table.unpack(t)) == 5000)
