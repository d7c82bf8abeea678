-- oracle: lua5.3
collectgarbage("stop") local log = {} for i = 1, 3 do setmetatable({}, { __gc = function() log[#log + 1] = i end }) end collectgarbage() assert(table.concat(log) == "321")
