-- Protected calls: successful, failing with strings and with tables, and nested.
local function good(a, b) return a + b end
local function bad() error("broken", 0) end
local marker = {}
local function worse() error(marker) end
local sum, fails, tables = 0, 0, 0
for i = 1, 1600000 do
  local ok, v = pcall(good, i, 1)
  if ok then sum = sum + v end
end
for i = 1, 500000 do
  if not pcall(bad) then fails = fails + 1 end
  local ok, e = pcall(worse)
  if e == marker then tables = tables + 1 end
end
local function nest(n) if n == 0 then error("deep", 0) end return pcall(nest, n - 1) end
for _ = 1, 5000 do nest(30) end
print(sum, fails, tables)
