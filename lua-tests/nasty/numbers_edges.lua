-- oracle: lua5.3
-- budget: 10s 512MiB
-- minint, shifts, loops near the ends, conversions, keys and comparisons around 2^53 and 2^63.
local max, min = math.maxinteger, math.mininteger
assert(min // -1 == min and min % -1 == 0 and min * -1 == min and -min == min and math.abs(min) == min and math.fmod(min, -1) == 0)
assert(not pcall(function() return 1 // 0 end) and not pcall(function() return 1 % 0 end) and not pcall(math.fmod, 1, 0))
assert(1 << 64 == 0 and 1 << 63 == min and 1 << -1 == 0 and -1 >> 63 == 1 and -1 >> 64 == 0 and 1 << -64 == 0 and 2 >> -1 == 4 and 1 << max == 0 and 1 << min == 0) print("ok")
