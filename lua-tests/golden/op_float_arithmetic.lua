-- oracle: lua5.3
-- Float operators, infinities, signed zero and the sign of modulo.
local inf = 1 / 0
local values = { 0.0, -0.0, 1.5, -1.5, 2.0, -2.0, 5.5, -5.5, inf, -inf }
for _, a in ipairs(values) do
  for _, b in ipairs(values) do
    local function show(x) if x ~= x then return "nan" end return tostring(x) end
    print(a, b, show(a + b), show(a - b), show(a * b), show(a / b), show(a // b), show(a % b))
  end
end
print(2 ^ 10, 2 ^ 0.5, (-2) ^ 2, -2 ^ 2, 2 ^ -1, 0 ^ 0, 2 ^ 3 ^ 2)
print(1e308 * 10, -1e308 * 10, 5e-324 / 2)
print(1 // 0.0, -1 // 0.0, 1 % inf, -1 % inf, 1 % -inf, -1 % -inf)
print(5.0 // 0.3, -5.0 // 0.3, 5.3 % 0.7, -5.3 % 0.7, 5.3 % -0.7)
