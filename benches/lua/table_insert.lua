-- table.insert and table.remove at the end, in front and in the middle; # on growing arrays.
local insert, remove = table.insert, table.remove
local n = 0
for _ = 1, 4 do
  local stack = {}
  for i = 1, 350000 do insert(stack, i) end
  for _ = 1, 350000 do n = n + remove(stack) end
end
local queue = {}
for i = 1, 2500 do insert(queue, 1, i) end
for _ = 1, 2500 do n = n + remove(queue, 1) end
local list = {}
for i = 1, 1500000 do list[#list + 1] = i end
print(n, #list)
