-- oracle: lua5.3
-- Clearing fields while traversing is allowed; sums show that each key comes once.
local t = {}
for i = 1, 200 do t["k" .. i] = i t[i] = i end
local n, sum = 0, 0
for k, v in pairs(t) do n = n + 1 sum = sum + v t[k] = nil end
print(n, sum, next(t))
for i = 1, 100 do t[i] = i end
for k, v in pairs(t) do t[k] = v * 2 end
sum = 0 for _, v in pairs(t) do sum = sum + v end print(sum)
for k in pairs(t) do if k % 2 == 0 then t[k] = nil end end
n = 0 for _ in pairs(t) do n = n + 1 end print(n)
local k, v = next({ 5 }) print(k, v)
print(next({}, nil), pcall(next), pcall(next, 1))
print(select("#", next({})), type(next), next({ a = 1 }))
local arr = { 1, 2, 3 } local keys = {} for i in pairs(arr) do keys[#keys + 1] = i end print(table.concat(keys, ","))
