-- oracle: lua5.3
-- Numeric loops: directions, float steps, bounds that never run, conversions, errors.
local function run(a, b, c)
  local t = {}
  for i = a, b, c do t[#t + 1] = tostring(i) if #t > 12 then break end end
  print(a, b, c, table.concat(t, " "))
end
run(1, 3, 1) run(3, 1, -1) run(1, 0, 1) run(0, 1, -1) run(1, 1, 1) run(1, 10, 4) run(10, 1, -4)
run(1.0, 3, 1) run(1, 3, 1.0) run(1, 2, 0.25) run(2, 1, -0.25) run(1, 3.9, 1) run(-1, -3.5, -1) run(0.1, 0.35, 0.1)
run(1, math.huge, 1) run(1, -math.huge, 1) run(1, -math.huge, -1) run(-1, math.huge, 1) run(1, 2 ^ 70, 1) run(3, 2, 1 << 62)
run(math.maxinteger - 2, math.maxinteger - 1, 1) run(math.mininteger, math.mininteger + 2, 1) run(1, 0 / 0, 1)
print(pcall(function() for i = "a", 2 do end end))
print(pcall(function() for i = 1, "x" do end end))
print(pcall(function() for i = 1, 2, {} do end end))
print(pcall(function() for i = nil, 2 do end end))
print(pcall(function() for i = "1", 2 do end end))
for i = 1, 3 do local j = i i = i * 10 io.write(j, ":", i, " ") end print()
local n = 0 for i = 1, 3 do n = n + 1 for i = 1, 2 do n = n + 1 end end print(n)
