-- Coroutines: functions that can stop in the middle and go on later.

-- A generator: the loop below asks for the next value, the function computes it.
local function range(from, to)
  return coroutine.wrap(function()
    for i = from, to do
      coroutine.yield(i)
    end
  end)
end

local sum = 0
for i in range(1, 10) do
  sum = sum + i
end
print("sum", sum)

-- A recursive generator: all orders of a list.
local function permutations(list)
  local function place(n)
    if n <= 1 then
      coroutine.yield(table.concat(list, " "))
    end
    for i = 1, n do
      list[i], list[n] = list[n], list[i]
      place(n - 1)
      list[i], list[n] = list[n], list[i]
    end
  end
  return coroutine.wrap(function() place(#list) end)
end

for order in permutations({"a", "b", "c"}) do
  print(order)
end

-- A pipeline: each stage pulls from the one before it.
local function numbers(n)
  return range(1, n)
end

local function filter(source, accept)
  return coroutine.wrap(function()
    for x in source do
      if accept(x) then
        coroutine.yield(x)
      end
    end
  end)
end

for x in filter(numbers(30), function(x) return x % 7 == 0 end) do
  io.write(x, " ")
end
print()

-- Several tasks taking turns until all have ended.
local function task(name, steps)
  return coroutine.create(function()
    for step = 1, steps do
      print(name, step)
      coroutine.yield()
    end
    return name .. " done"
  end)
end

local tasks = {task("red", 2), task("green", 3), task("blue", 1)}
while #tasks > 0 do
  for i = #tasks, 1, -1 do
    local ok, result = coroutine.resume(tasks[i])
    assert(ok, result)
    if coroutine.status(tasks[i]) == "dead" then
      print(result)
      table.remove(tasks, i)
    end
  end
end
