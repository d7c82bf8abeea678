-- table.sort without a comparator, on integers, floats and strings.
local seed = 7
local function random()
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed
end
local ints, floats, strings = {}, {}, {}
for i = 1, 260000 do ints[i] = random() end
for i = 1, 200000 do floats[i] = random() / 7 end
for i = 1, 100000 do strings[i] = "k" .. random() end
table.sort(ints) table.sort(floats) table.sort(strings)
print(ints[1], ints[#ints], string.format("%.3f", floats[50000]), strings[1], strings[#strings])
