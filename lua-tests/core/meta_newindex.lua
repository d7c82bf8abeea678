-- oracle: lua5.3
local log = {} local t = setmetatable({}, { __newindex = function(t, k, v) log[#log + 1] = k rawset(t, k, v) end }) t.a = 1 t.a = 2 t.b = 3 assert(table.concat(log) == "ab" and t.a == 2) local ro = setmetatable({}, { __newindex = function() error("read only", 2) end }) assert(not pcall(function() ro.x = 1 end) and rawget(ro, "x") == nil)
