-- oracle: lua5.3
assert(1 == 1.0 and math.type(1) ~= math.type(1.0) and 2 ^ 53 == 1 << 53 and (1 << 53) + 1 ~= 2 ^ 53)
local t = { [1] = "a" } assert(t[1.0] == "a") t[2.0] = "b" assert(#t == 2 and next({ [3.0] = 1 }) == 3)
