-- Method calls through a three-level __index chain, with fields read and written.
local Shape = {} Shape.__index = Shape
function Shape.new(class, w, h) return setmetatable({ w = w, h = h, n = 0 }, class) end
function Shape:touch() self.n = self.n + 1 return self end
function Shape:area() return 0 end
local Rect = setmetatable({}, Shape) Rect.__index = Rect
function Rect:area() return self.w * self.h end
local Square = setmetatable({}, Rect) Square.__index = Square
function Square.create(side) return Shape.new(Square, side, side) end
function Square:side() return self.w end

local total = 0
local r, s = Shape.new(Rect, 3, 4), Square.create(5)
for i = 1, 1500000 do
  total = total + r:area() + s:area() + s:side()
  r:touch() s:touch()
end
print(total, r.n, s.n)
