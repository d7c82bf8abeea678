-- oracle: lua5.3
local n = 0 local t = setmetatable({}, { __index = function(t, k) n = n + 1 local v = k * 2 rawset(t, k, v) return v end }) assert(t[2] == 4 and t[2] == 4 and n == 1)
