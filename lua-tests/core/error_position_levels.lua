-- oracle: lua5.3
local function f(l) error("m", l) end local _, e = pcall(f, 1) assert(e == "error_position_levels.lua:2: m") _, e = pcall(f, 0) assert(e == "m") _, e = pcall(function() f(2) end) assert(e == "error_position_levels.lua:2: m") _, e = pcall(error, "x") assert(e == "x")
