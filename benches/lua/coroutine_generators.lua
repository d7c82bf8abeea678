-- Generators by coroutine.wrap: permutations and a prime filter chain; creation of short-lived coroutines.
local function permutations(list, n)
  if n <= 1 then
    coroutine.yield(list)
  else
    for i = 1, n do
      list[n], list[i] = list[i], list[n]
      permutations(list, n - 1)
      list[n], list[i] = list[i], list[n]
    end
  end
end
local count, check = 0, 0
for p in coroutine.wrap(function() permutations({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 9) end) do
  count = count + 1
  check = (check * 31 + p[1] * p[2]) % 1000003
end
local function numbers(n)
  return coroutine.wrap(function() for i = 2, n do coroutine.yield(i) end end)
end
local function filter(p, source)
  return coroutine.wrap(function()
    for n in source do if n % p ~= 0 then coroutine.yield(n) end end
  end)
end
local primes = 0
for _ = 1, 12 do
  local source = numbers(440) -- few enough primes for the reference's limit of nested C calls
  while true do
    local p = source()
    if not p then break end
    primes = primes + 1
    source = filter(p, source)
  end
end
local made = 0
for i = 1, 300000 do
  local co = coroutine.wrap(function(x) return x + coroutine.yield(x) end)
  made = made + co(i)
  made = made + co(1)
end
print(count, check, primes, made)
