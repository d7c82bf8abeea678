-- Hash tables: string, integer and float keys inserted, updated and deleted.
local counts = {}
local seed = 1
for i = 1, 1200000 do
  seed = (seed * 1103515245 + 12345) % 2147483648
  local key = seed // 8 % 20011 * 3
  counts[key] = (counts[key] or 0) + 1
end
local distinct, total = 0, 0
for _, n in pairs(counts) do distinct = distinct + 1 total = total + n end
local t = {}
for round = 1, 8 do
  for i = 1, 20000 do t[i * 0.25 + 0.125] = i end
  for i = 1, 20000 do t[i * 0.25 + 0.125] = nil end
end
local p = { x = 0, y = 0, z = 0 }
for i = 1, 2500000 do
  p.x = p.x + 1
  p.y = p.y ~ p.x
  p.z = p.x
end
print(distinct, total, next(t), p.x, p.y, p.z)
