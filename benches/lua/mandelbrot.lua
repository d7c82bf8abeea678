-- Escape-time iteration; the check value is the number of points inside.
local size, limit, inside, steps = 500, 80, 0, 0
for py = 0, size - 1 do
  local ci = 2.0 * py / size - 1.0
  for px = 0, size - 1 do
    local cr = 2.0 * px / size - 1.5
    local zr, zi, n = 0.0, 0.0, 0
    local r2, i2 = 0.0, 0.0
    while n < limit and r2 + i2 <= 4.0 do
      zi = 2.0 * zr * zi + ci
      zr = r2 - i2 + cr
      r2, i2 = zr * zr, zi * zi
      n = n + 1
    end
    steps = steps + n
    if n == limit then inside = inside + 1 end
  end
end
print(inside, steps)
