-- Locals, functions, calls and tables with annotations, casts and validators; `plain.lua` is the same without them.
type Point = {x: number, y: number}
local n: integer = tonumber(...) :: integer
local function add(a: Point, b: Point): Point
  return {x = a.x + b.x, y = a.y + b.y} as Point
end
local function sum(list: {number @min(0)}, ...: number): (number, string?)
  local total: number @min(0) = 0
  for i = 1, #list do total = total + (list[i] as number) end
  return total!, nil
end
local p: Point = {x = 0, y = 0}
for i = 1, n do
  local q: Point = add(p, {x = i, y = 1})
  local s: number, why: string? = sum({i, i, i}, 1, 2)
  p = {x = q.x % 1000, y = (q.y + s) % 1000}
end
print(p.x, p.y)
