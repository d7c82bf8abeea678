-- oracle: lua5.3
local A = {} A.__index = A function A.new(x) return setmetatable({ x = x }, A) end function A:get(y) return self.x + (y or 0) end local B = setmetatable({}, { __index = A }) B.__index = B function B:twice() return self:get() * 2 end local b = setmetatable({ x = 4 }, B) assert(b:twice() == 8 and b:get(1) == 5 and A.new(3):get() == 3) assert(("abc"):upper():lower():len() == 3)
