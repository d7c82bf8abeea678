-- oracle: lua5.3
-- Concatenation of strings and numbers, and what cannot be joined.
print(1 .. 2, 1.5 .. "", -0.0 .. "", 2 ^ 63 .. "", 10 // 1 .. "x", 1e100 .. "", math.mininteger .. "")
local t, n = {}, nil
print(pcall(function() return "a" .. t end))
print(pcall(function() return "a" .. n end))
print(pcall(function() return n .. "a" end))
print(pcall(function() return 1 .. true end))
print(pcall(function() return "a" .. "b" .. t.x .. "c" end))
print(pcall(function() return t.x .. t.y end))
print(("x"):rep(3) .. ("y"):rep(2) .. 7)
