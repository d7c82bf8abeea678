-- oracle: lua5.3
-- An integer with a float gives a float; bit operators want integral values.
print(1 + 1.0, 2 * 0.5, 3 - 3.0, 7 // 2.0, 7 % 2.5, 2 ^ 2, 10 // 0.5)
print(3.0 | 0, 2 ^ 53 | 0, "7" | 1, "0x10" & 0xff, 5.0 ~ 1, ~0.0)
print(pcall(function() return 1.5 | 1 end))
print(pcall(function() return 2 ^ 63 | 0 end))
print(pcall(function() return "1.5" | 1 end))
print(pcall(function() return "a" | 1 end))
print(pcall(function() return {} | 1 end))
print(pcall(function() return 1 // 0 end))
print(pcall(function() return 1 % 0 end))
print(math.type(2 ^ 53), math.type(1e15), math.type(10 // 2), math.type(10 / 2), math.type(3 | 0))
