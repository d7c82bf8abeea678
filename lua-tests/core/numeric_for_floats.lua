-- oracle: lua5.3
local n = 0 for x = 0, 1, 0.1 do n = n + 1 end assert(n == 11 or n == 10) n = 0 for x = 1, 0, -0.25 do n = n + 1 end assert(n == 5) for i = 1, 3 do assert(math.type(i) == "integer") end for i = 1.0, 3 do assert(math.type(i) == "float") end for i = 1, 3.9 do assert(math.type(i) == "integer") end for i = math.huge, 1 do error("never") end for i = 3, 1 do error("never") end
