-- oracle: lua5.3
local function iter(s, c) if c < s then return c + 1, c * c end end local t = {} for i, q in iter, 4, 0 do t[#t + 1] = q end assert(table.concat(t, ",") == "0,1,4,9") local mt = setmetatable({}, { __pairs = function(t) return function(_, k) if not k then return 1, "x" end end, t, nil end }) for k, v in pairs(mt) do assert(k == 1 and v == "x") end
