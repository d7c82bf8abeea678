-- Conway's game of life on a torus: two-dimensional integer arrays and branches.
local n = 96
local grid = {}
local seed = 5
for y = 1, n do
  grid[y] = {}
  for x = 1, n do
    seed = (seed * 1103515245 + 12345) % 2147483648
    grid[y][x] = seed // 65536 % 3 == 0 and 1 or 0
  end
end
for _ = 1, 220 do
  local new = {}
  for y = 1, n do
    local up, mid, down = grid[(y - 2) % n + 1], grid[y], grid[y % n + 1]
    local row = {}
    for x = 1, n do
      local l, r = (x - 2) % n + 1, x % n + 1
      local s = up[l] + up[x] + up[r] + mid[l] + mid[r] + down[l] + down[x] + down[r]
      row[x] = (s == 3 or s == 2 and mid[x] == 1) and 1 or 0
    end
    new[y] = row
  end
  grid = new
end
local alive = 0
for y = 1, n do for x = 1, n do alive = alive + grid[y][x] end end
print(alive)
