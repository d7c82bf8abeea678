-- oracle: lua5.3
local n = 0 local function f(v) n = n + 1 return v end
local _ = f(nil) and f(1) assert(n == 1) _ = f(1) or f(2) assert(n == 2) _ = f(nil) or f(false) and f(3) assert(n == 4)
assert((nil and 1) == nil and (false or nil) == nil and (1 and nil) == nil and (false and nil) == false)
