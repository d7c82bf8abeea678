-- Matrix multiplication on arrays of arrays.
local function make(n, f)
  local m = {}
  for i = 1, n do
    local row = {}
    for j = 1, n do row[j] = f(i, j) end
    m[i] = row
  end
  return m
end
local function multiply(a, b, n)
  local transposed = make(n, function(i, j) return b[j][i] end)
  return make(n, function(i, j)
    local x, y, s = a[i], transposed[j], 0.0
    for k = 1, n do s = s + x[k] * y[k] end
    return s
  end)
end
local n = 240
local a = make(n, function(i, j) return (i - j) * (i + j) / n end)
local b = make(n, function(i, j) return (i + j) / n end)
local c = multiply(a, b, n)
print(string.format("%.4f %.4f %.4f", c[1][1], c[n // 2][n // 2 + 1], c[n][n]))
