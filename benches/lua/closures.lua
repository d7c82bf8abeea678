-- Making and calling closures, with shared and private upvalues.
local function counter(step)
  local n = 0
  return function() n = n + step return n end, function() return n end
end
local total = 0
for i = 1, 400000 do
  local add, get = counter(i)
  add() add()
  total = total + get()
end
local function compose(f, g) return function(x) return f(g(x)) end end
local f = function(x) return x + 1 end
for _ = 1, 10 do f = compose(f, function(x) return x ~ 1 end) end
for i = 1, 90000 do total = total + f(i) end
local c = counter(1)
for _ = 1, 3000000 do c() end
print(total, c())
