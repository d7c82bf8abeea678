-- Arithmetic on big numbers: limbs in base 10^7, operators by metamethods; factorials, powers and digits of pi.
local BASE, WIDTH = 10000000, 7
local Big = {}
Big.__index = Big

local function big(n)
  local limbs = setmetatable({}, Big)
  repeat
    limbs[#limbs + 1] = n % BASE
    n = n // BASE
  until n == 0
  return limbs
end

function Big.__add(a, b)
  local sum, carry = setmetatable({}, Big), 0
  for i = 1, math.max(#a, #b) do
    local digit = (a[i] or 0) + (b[i] or 0) + carry
    if digit >= BASE then digit, carry = digit - BASE, 1 else carry = 0 end
    sum[i] = digit
  end
  if carry > 0 then sum[#sum + 1] = carry end
  return sum
end

function Big.__mul(a, b)
  if type(b) == "number" then
    local product, carry = setmetatable({}, Big), 0
    for i = 1, #a do
      local digit = a[i] * b + carry
      product[i] = digit % BASE
      carry = digit // BASE
    end
    while carry > 0 do
      product[#product + 1] = carry % BASE
      carry = carry // BASE
    end
    return product
  end
  local product = setmetatable({}, Big)
  for i = 1, #a + #b do product[i] = 0 end
  for i = 1, #a do
    local x, carry = a[i], 0
    for j = 1, #b do
      local digit = product[i + j - 1] + x * b[j] + carry
      product[i + j - 1] = digit % BASE
      carry = digit // BASE
    end
    product[i + #b] = product[i + #b] + carry
  end
  while #product > 1 and product[#product] == 0 do product[#product] = nil end
  return product
end

function Big.__eq(a, b)
  if #a ~= #b then return false end
  for i = 1, #a do
    if a[i] ~= b[i] then return false end
  end
  return true
end

function Big.__tostring(a)
  local parts = { tostring(a[#a]) }
  for i = #a - 1, 1, -1 do parts[#parts + 1] = ("%07d"):format(a[i]) end
  return table.concat(parts)
end

local function power(base, exponent)
  local result = big(1)
  while exponent > 0 do
    if exponent % 2 == 1 then result = result * base end
    exponent = exponent // 2
    if exponent > 0 then base = base * base end
  end
  return result
end

local factorial = big(1)
for i = 2, 1100 do factorial = factorial * i end
local three, seven = power(big(3), 3000), power(big(7), 2000)
local product = three * seven
local a, b = big(0), big(1)
for _ = 1, 9000 do a, b = b, a + b end

-- Digits of pi by a spigot over small integers.
local digits, n = {}, 600
local length = n * 10 // 3 + 1
local r = {}
for i = 1, length do r[i] = 2 end
for i = 1, n do
  local carry = 0
  for k = length, 1, -1 do
    local x = r[k] * 10 + carry * k
    r[k] = x % (2 * k - 1)
    carry = x // (2 * k - 1)
  end
  r[1] = carry % 10
  digits[i] = carry // 10
end
local sum = 0
for i, d in ipairs(digits) do sum = sum + d * i end

local function summary(x)
  local text = tostring(x)
  return #text .. ":" .. text:sub(1, 8) .. ".." .. text:sub(-8)
end
print(summary(factorial), summary(product), summary(a), sum, three * seven == seven * three)
