-- Heapsort written in Lua: comparisons and swaps on a float array.
local function heapsort(a, n)
  local l, r = n // 2 + 1, n
  while true do
    local v
    if l > 1 then
      l = l - 1
      v = a[l]
    else
      v = a[r]
      a[r] = a[1]
      r = r - 1
      if r == 1 then a[1] = v return end
    end
    local i, j = l, l * 2
    while j <= r do
      if j < r and a[j] < a[j + 1] then j = j + 1 end
      if v >= a[j] then break end
      a[i] = a[j]
      i, j = j, j * 2
    end
    a[i] = v
  end
end
local seed, a, n = 3, {}, 200000
for i = 1, n do
  seed = (seed * 1103515245 + 12345) % 2147483648
  a[i] = seed / 2147483648
end
heapsort(a, n)
for i = 2, n do assert(a[i - 1] <= a[i]) end
print(string.format("%.6f %.6f %.6f", a[1], a[n // 2], a[n]))
