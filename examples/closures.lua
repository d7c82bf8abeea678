-- Functions are values, and keep the variables around them.

-- Each call makes a fresh `n`, which only the returned functions can reach.
local function counter(start)
  local n = start or 0
  local function up(step)
    n = n + (step or 1)
    return n
  end
  local function get()
    return n
  end
  return up, get
end

local up, get = counter(10)
up()
up(5)
print("counter", get())

-- A function that remembers what another function answered.
local function memoize(f)
  local known = {}
  return function(x)
    local y = known[x]
    if y == nil then
      y = f(x)
      known[x] = y
    end
    return y
  end
end

local calls = 0
local fib
fib = memoize(function(n)
  calls = calls + 1
  return n < 2 and n or fib(n - 1) + fib(n - 2)
end)
print("fib(60)", fib(60), "calls", calls)

-- Functions that make functions out of functions.
local function compose(first, ...)
  if not first then
    return function(...) return ... end
  end
  local rest = compose(...)
  return function(...) return first(rest(...)) end
end

local function partial(f, a)
  return function(...) return f(a, ...) end
end

local double = partial(function(a, b) return a * b end, 2)
print("composed", compose(double, double, math.abs)(-5))

-- Every iteration of a loop has variables of its own.
local printers = {}
for i = 1, 3 do
  printers[i] = function() return i * i end
end
for _, square in ipairs(printers) do
  io.write(square(), " ")
end
print()
