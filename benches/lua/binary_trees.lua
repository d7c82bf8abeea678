-- Allocation and collection of many small tables.
local function build(depth)
  if depth == 0 then return {} end
  return { build(depth - 1), build(depth - 1) }
end

local function count(tree)
  if tree[1] then return 1 + count(tree[1]) + count(tree[2]) end
  return 1
end

local depth = 16
local long_lived = build(depth)
for d = 4, depth, 3 do
  local rounds = 1 << (depth - d + 2)
  local total = 0
  for _ = 1, rounds do total = total + count(build(d)) end
  print(rounds, d, total)
end
print(count(long_lived))
