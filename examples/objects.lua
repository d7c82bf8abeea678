-- Objects and operators with metatables.

-- A class is a table that its objects look into for what they lack themselves.
local Shape = {}
Shape.__index = Shape

function Shape.new(class, name)
  return setmetatable({name = name}, class)
end

function Shape:area()
  return 0
end

function Shape:describe()
  return string.format("%s with area %.2f", self.name, self:area())
end

-- A derived class looks into its parent in turn.
local function derive(parent)
  local class = setmetatable({}, {__index = parent})
  class.__index = class
  return class
end

local Circle = derive(Shape)

function Circle.new(class, radius)
  local circle = Shape.new(class, "circle")
  circle.radius = radius
  return circle
end

function Circle:area()
  return math.pi * self.radius ^ 2
end

print(Shape:new("point"):describe())
print(Circle:new(2):describe())

-- Operators on tables: an exact fraction.
local Fraction = {}
Fraction.__index = Fraction

local function gcd(a, b)
  while b ~= 0 do
    a, b = b, a % b
  end
  return a
end

local function fraction(n, d)
  d = d or 1
  local g = gcd(n, d)
  return setmetatable({n = n // g, d = d // g}, Fraction)
end

local function both(a, b)
  if math.type(a) == "integer" then a = fraction(a) end
  if math.type(b) == "integer" then b = fraction(b) end
  return a, b
end

function Fraction.__add(a, b)
  a, b = both(a, b)
  return fraction(a.n * b.d + b.n * a.d, a.d * b.d)
end

function Fraction.__mul(a, b)
  a, b = both(a, b)
  return fraction(a.n * b.n, a.d * b.d)
end

function Fraction.__eq(a, b)
  return a.n == b.n and a.d == b.d
end

function Fraction.__lt(a, b)
  return a.n * b.d < b.n * a.d
end

function Fraction:__tostring()
  return self.d == 1 and tostring(self.n) or self.n .. "/" .. self.d
end

local half, third = fraction(1, 2), fraction(1, 3)
print(half + third, half * third, half + half, 2 * third)
print(half == fraction(3, 6), third < half)

-- A table that computes what is asked of it, and refuses to be written to.
local squares = setmetatable({}, {
  __index = function(_, n) return n * n end,
  __newindex = function(_, key) error("squares[" .. tostring(key) .. "] is fixed", 2) end,
})
print(squares[12], pcall(function() squares[1] = 2 end))
