-- oracle: lua5.3
assert(7 // 2 == 3 and -7 // 2 == -4 and 7 // -2 == -4 and -7 // -2 == 3)
assert(7 % 3 == 1 and -7 % 3 == 2 and 7 % -3 == -2 and -7 % -3 == -1)
for a = -20, 20 do for b = -5, 5 do if b ~= 0 then assert(a == a // b * b + a % b) end end end
