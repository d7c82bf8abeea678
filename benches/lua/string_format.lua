-- string.format and tostring/tonumber round trips.
local format = string.format
local n = 0
for i = 1, 220000 do
  n = n + #format("%d:%5.2f:%s:%x", i, i / 3, "name", i)
  n = n + #format("%-10s|%05d|%g", "left", i, i * 0.25)
  n = n + #tostring(i) + #tostring(i + 0.5)
  n = n + tonumber(tostring(i))
end
print(n)
