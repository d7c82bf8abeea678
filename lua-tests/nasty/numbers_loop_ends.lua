-- oracle: none
-- budget: 10s 512MiB
-- A precomputed count: loops up to the last integer end, with any step.
local max, min = math.maxinteger, math.mininteger local function n(a, b, c)
local k = 0 for i = a, b, c or 1 do k = k + 1
assert(k < 100) end return k end
assert(n(max - 2, max) == 3)
assert(n(max, max) == 1)
assert(n(min + 2, min, -1) == 3)
assert(n(max - 1, max, 2) == 1)
assert(n(1, max, max) == 1)
assert(n(0, max, max) == 2)
assert(n(min, max, max) == 3)
assert(n(max, min, min) == 1 or n(max, min, min) == 2)
assert(n(1, max, 1 << 60) == 8)
assert(n(max, max + 0.0) == 1)
print("ok")
