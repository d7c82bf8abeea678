-- oracle: lua5.3
-- Integer operators: signs of // and %, wraparound, division always float.
local values = { 0, 1, -1, 2, -2, 3, -3, 7, -7, math.maxinteger, math.mininteger }
for _, a in ipairs(values) do
  for _, b in ipairs(values) do
    print(a, b, a + b, a - b, a * b, b ~= 0 and a // b or "-", b ~= 0 and a % b or "-")
  end
end
print(7 / 2, -7 / 2, 6 / 3, 1 / 0, -1 / 0, 0 / 1)
print(math.maxinteger + 1 == math.mininteger, math.mininteger - 1 == math.maxinteger)
print(math.maxinteger * 2, math.mininteger * -1, -math.mininteger)
