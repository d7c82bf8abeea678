-- Sieve of Eratosthenes: boolean array, filled and crossed out.
local function sieve(n)
  local flags, count = {}, 0
  for i = 2, n do flags[i] = true end
  for i = 2, n do
    if flags[i] then
      count = count + 1
      for k = i * i, n, i do flags[k] = false end
    end
  end
  return count
end
local total = 0
for _ = 1, 12 do total = total + sieve(600000) end
print(total)
