-- Variable arguments: select, table.pack/unpack and forwarding.
local select, unpack, pack = select, table.unpack, table.pack
local function sum(...)
  local s = 0
  for i = 1, select("#", ...) do s = s + (select(i, ...)) end
  return s
end
local function forward(...) return sum(...) end
local function collect(...) local t = { ... } return #t end
local total = 0
for i = 1, 300000 do
  total = total + forward(i, 2, 3, 4) + collect(i, i, i)
  total = total + pack(i, nil, 3).n + sum(unpack({ 1, 2, 3 }))
end
print(total)
