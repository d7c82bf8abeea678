-- oracle: lua5.3
-- Precedence and associativity of every level.
print(1 + 2 * 3 - 4 / 2, 2 ^ 3 ^ 2, -2 ^ 2, not nil == true, not (nil == true))
print("a" .. "b" .. 1 + 2, 1 .. 2, 2 * 3 .. 4 * 5)
print(1 or 2 and 3, nil and 1 or 2, false or nil, nil or false, 1 and 2 or 3)
print(1 < 2 == true, "x" < "y" == not false, #"abc" + 1, -#"abc", - -2, not not nil)
print(5 - 3 - 1, 2 * 3 % 4, 7 // 2 * 2, 1 .. 2 == "12", 3 & 2 | 1, 1 | 2 & 3 ~ 1, 1 << 1 + 1, ~1 + 1)
print(2 ^ -2, -3 ^ 2, -"2" + 0, - "0x10" * 1)
