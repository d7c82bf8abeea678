-- oracle: lua5.3
local E = setmetatable({}, { __call = function(c, m) return setmetatable({ m = m }, c) end }) E.__index = E E.__tostring = function(e) return "E(" .. e.m .. ")" end local ok, e = pcall(function() error(E("bad")) end) assert(not ok and getmetatable(e) == E and tostring(e) == "E(bad)") ok, e = pcall(error, nil) assert(not ok and e == nil)
