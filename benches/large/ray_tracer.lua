-- A ray tracer: spheres over a checked plane, with shadows and reflections, vectors as tables with methods.
local sqrt, floor = math.sqrt, math.floor

local Vec = {}
Vec.__index = Vec
local function vec(x, y, z) return setmetatable({ x = x, y = y, z = z }, Vec) end
Vec.__add = function(a, b) return vec(a.x + b.x, a.y + b.y, a.z + b.z) end
Vec.__sub = function(a, b) return vec(a.x - b.x, a.y - b.y, a.z - b.z) end
Vec.__mul = function(a, k) return vec(a.x * k, a.y * k, a.z * k) end
function Vec:dot(b) return self.x * b.x + self.y * b.y + self.z * b.z end
function Vec:unit() return self * (1 / sqrt(self:dot(self))) end

local Sphere = {}
Sphere.__index = Sphere
function Sphere:hit(origin, direction)
  local to = origin - self.centre
  local b = to:dot(direction)
  local discriminant = b * b - to:dot(to) + self.radius * self.radius
  if discriminant <= 0 then return nil end
  local root = sqrt(discriminant)
  local near = -b - root
  if near > 1e-4 then return near end
  local far = -b + root
  if far > 1e-4 then return far end
  return nil
end
function Sphere:normal(point) return (point - self.centre):unit() end
function Sphere:shade() return self.colour end

local Plane = {}
Plane.__index = Plane
function Plane:hit(origin, direction)
  if direction.y >= 0 then return nil end
  local t = (self.height - origin.y) / direction.y
  return t > 1e-4 and t or nil
end
function Plane:normal() return vec(0, 1, 0) end
function Plane:shade(point) return (floor(point.x) + floor(point.z)) % 2 == 0 and 0.9 or 0.2 end

local scene = { setmetatable({ height = -1, mirror = 0.1 }, Plane) }
for i = 0, 6 do
  scene[#scene + 1] = setmetatable({
    centre = vec(i * 1.3 - 4, (i % 3) * 0.7 - 0.4, 4 + i % 4), radius = 0.6 + i * 0.05,
    colour = 0.3 + i * 0.1, mirror = 0.15 * (i % 4),
  }, Sphere)
end
local light = vec(-4, 6, -3)

local function nearest(origin, direction)
  local best, object
  for _, candidate in ipairs(scene) do
    local t = candidate:hit(origin, direction)
    if t and (not best or t < best) then best, object = t, candidate end
  end
  return best, object
end

local function trace(origin, direction, depth)
  local t, object = nearest(origin, direction)
  if not t then return 0.4 + 0.3 * direction.y end
  local point = origin + direction * t
  local normal = object:normal(point)
  local to_light = (light - point):unit()
  local brightness = 0.1
  if not nearest(point, to_light) then brightness = brightness + 0.9 * math.max(0, normal:dot(to_light)) end
  local colour = object:shade(point) * brightness
  if depth > 0 and object.mirror > 0 then
    local reflected = direction - normal * (2 * normal:dot(direction))
    colour = colour * (1 - object.mirror) + trace(point, reflected, depth - 1) * object.mirror
  end
  return colour
end

local width, height = 120, 80
local sum, rows = 0, {}
for y = 1, height do
  local row = 0
  for x = 1, width do
    local direction = vec((x - width / 2) / width * 2, (height / 2 - y) / width * 2, 1.5):unit()
    local level = floor(trace(vec(0, 0.5, -3), direction, 3) * 255 + 0.5)
    row = (row * 33 + level) % 65521
    sum = sum + level
  end
  rows[#rows + 1] = row
end
local check = 0
for i, row in ipairs(rows) do check = (check * 257 + row * i) % 2147483647 end
print(sum, check)
