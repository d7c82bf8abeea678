-- oracle: lua5.3
-- Every form of numeral the lexer takes.
print(0, 007, 3, 345, 0xff, 0XA, 0xBEBADA, 3.0, 3.1416, 314.16e-2, 0.31416E1, 34e1, .5, 5., 5.e1, .5e-1)
print(0x0.1E, 0xA23p-4, 0X1.921FB54442D18P+1, 0x.8, 0x8., 0x.8p1, 0xAp0, 0x1p-1074)
print(9223372036854775807, 9223372036854775808, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffffff)
print(1e308, 1e309, 1e-400, 0x1p1024, 123456789012345678901234567890)
for _, s in ipairs { "1..2", "0x", "0xg", "1e", "1e+", "3x", "0x1p", "1.2.3", "08a", "1_000", "0b1", ".e1", "1e1.5", "0x1.p" } do
  print(s, load("return " .. s))
end
