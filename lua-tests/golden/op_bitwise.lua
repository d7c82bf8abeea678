-- oracle: lua5.3
-- Shifts by any distance are logical; the other bit operators wrap in 64 bits.
for _, n in ipairs { 0, 1, 2, 31, 32, 62, 63, 64, 65, 1000, -1, -2, -63, -64, -65 } do
  print(n, 1 << n, -1 << n, -1 >> n, 0x123456789abcdef0 >> n, math.mininteger >> n)
end
print(5 & 3, 5 | 3, 5 ~ 3, ~5, ~0, -1 & 0xff, 0xF0 ~ -1)
print(1 << math.maxinteger, 1 << math.mininteger, 1 >> math.mininteger)
print(1 | 2 ~ 3 & 4, 1 << 2 + 3, 6 & 3 == 2, pcall(load("return \"a\" .. 1 << 2")))
