-- oracle: lua5.3
-- budget: 10s 512MiB
-- Float limits of integer loops, nan, infinities, huge steps.
local max, min = math.maxinteger, math.mininteger local function n(a, b, c)
local k = 0 for i = a, b, c or 1 do k = k + 1 if k > 5 then break end end return k end local nan, inf = 0 / 0, 1 / 0
assert(n(1, nan) == 0 and n(nan, 1) == 0 and n(1, 2, nan) == 0 and n(1, inf) == 6 and n(1, -inf) == 0 and n(1, inf, -1) == 0 and n(1, -inf, -1) == 6 and n(max, inf) >= 1 and n(1, 3.5) == 3 and n(1, -3.5, -1) == 5 and n(3, 1) == 0 and n(1, 0, -1) == 2 and n(1.0, 3) == 3 and n(0.1, 0.35, 0.1) == 3 and n(inf, inf) == 6 and n(-inf, -inf) == 6 and n(inf, 1) == 0)
assert(n(1, "3" + 0) == 3) for _, bad in ipairs { "x", {}, print } do
assert(not pcall(n, bad, 1))
assert(not pcall(n, 1, bad))
assert(not pcall(n, 1, 1, bad)) end
assert(not pcall(function() for i = nil, 1 do end end))
assert(n(max - 3, max - 1) == 3 and n(min + 3, min + 1, -1) == 3)
print("ok")
