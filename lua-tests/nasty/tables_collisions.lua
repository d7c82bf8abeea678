-- oracle: none
-- budget: 10s 512MiB
-- Keys chosen to collide in simple hashes: still linear.
local n = 50000 for _, f in ipairs { function(i) return i << 32 end, function(i) return i << 16 end, function(i) return i * 65536 * 1.0 + 0.5 end, function(i) return -(i << 40) end, function(i) return i * 2 ^ 60 end } do
local t = {} for i = 1, n do t[f(i)] = i end for i = 1, n do
assert(t[f(i)] == i) end for i = 1, n do t[f(i)] = nil end
assert(next(t) == nil) end
print("ok")
