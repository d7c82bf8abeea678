-- Locals, functions, calls and tables; `annotated.lua` is the same with annotations, casts and validators.

local n = (tonumber(...))
local function add(a, b)
  return {x = a.x + b.x, y = a.y + b.y}
end
local function sum(list, ...)
  local total = 0
  for i = 1, #list do total = total + (list[i]) end
  return total, nil
end
local p = {x = 0, y = 0}
for i = 1, n do
  local q = add(p, {x = i, y = 1})
  local s, why = sum({i, i, i}, 1, 2)
  p = {x = q.x % 1000, y = (q.y + s) % 1000}
end
print(p.x, p.y)
