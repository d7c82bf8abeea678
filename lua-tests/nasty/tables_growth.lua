-- oracle: lua5.3
-- budget: 10s 512MiB
-- Array and hash parts under alternating growth, holes, negative keys and reverse filling.
local t = {} for i = 100000, 1, -1 do t[i] = i end
assert(#t == 100000) for i = 1, 100000 do t[i] = nil end
assert(#t == 0 and next(t) == nil) for i = 1, 100000, 2 do t[i] = i end
local n = 0 for k, v in pairs(t) do
assert(k == v) n = n + 1 end
assert(n == 50000) t = {} for i = -50000, 50000 do t[i] = i end
assert(#t == 50000) t = {} for i = 1, 50 do t[1 << i] = i end for i = 1, 50 do
assert(t[1 << i] == i) end t = { n = 1 } for r = 1, 100 do for i = 1, 100 do t["k" .. i] = r end for i = 1, 100 do t["k" .. i] = nil end end
assert(t.n == 1 and next(t) == "n" and next(t, "n") == nil) t = {} for i = 1, 10000 do t[i] = i t[#t + 1] = 0 t[#t] = nil end
assert(#t == 10000) local q, first, last = {}, 1, 0 for i = 1, 200000 do last = last + 1 q[last] = i if i % 2 == 0 then
assert(q[first]) q[first] = nil first = first + 1 end end
assert(last - first + 1 == 100000)
local holes = { 1, 2, nil, 4 }
assert(#holes == 4 or #holes == 2)
print("ok")
