-- Operators by metamethod: a small vector type, __index and __newindex functions, __call.
local V = {}
V.__index = V
local function vec(x, y) return setmetatable({ x = x, y = y }, V) end
V.__add = function(a, b) return vec(a.x + b.x, a.y + b.y) end
V.__mul = function(a, k) return vec(a.x * k, a.y * k) end
V.__eq = function(a, b) return a.x == b.x and a.y == b.y end
V.__lt = function(a, b) return a.x < b.x end
V.__len = function() return 2 end
V.__call = function(self, d) return self.x + d end
local acc, equal = vec(0, 0), 0
for i = 1, 450000 do
  local v = vec(i, 1)
  acc = acc + v * 2
  if v == vec(i, 1) then equal = equal + #v end
  if acc < v then equal = equal + 1 end
  equal = equal + v(1)
end
local log = 0
local proxy = setmetatable({}, {
  __index = function(_, k) return k * 2 end,
  __newindex = function(_, k, v) log = log + k + v end,
})
for i = 1, 700000 do proxy[i] = proxy[i] end
print(acc.x, acc.y, equal, log)
