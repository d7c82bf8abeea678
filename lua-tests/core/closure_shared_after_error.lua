-- oracle: lua5.3
local get, set local ok = pcall(function() local v = 1 get = function() return v end set = function(x) v = x end error("out") end) assert(not ok and get() == 1) set(5) assert(get() == 5)
