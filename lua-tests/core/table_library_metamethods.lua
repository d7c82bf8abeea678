-- oracle: lua5.3
local data = { 3, 1, 2 } local p = setmetatable({}, { __index = data, __newindex = data, __len = function() return #data end }) table.sort(p) assert(table.concat(p, ",") == "1,2,3") table.insert(p, 4) assert(data[4] == 4 and table.remove(p, 1) == 1 and #data == 3 and table.concat({ table.unpack(p) }, ",") == "2,3,4" and rawlen(p) == 0)
