-- table.sort with Lua comparators on records.
local seed = 11
local function random()
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed
end
local list = {}
for i = 1, 70000 do list[i] = { id = i, key = random() % 5000 } end
table.sort(list, function(a, b)
  if a.key ~= b.key then return a.key < b.key end
  return a.id < b.id
end)
local first, last = list[1].id, list[#list].id
table.sort(list, function(a, b) return a.id > b.id end)
print(first, last, list[1].id, list[#list].id)
