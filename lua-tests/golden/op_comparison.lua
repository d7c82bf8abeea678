-- oracle: lua5.3
-- Comparison between integers and floats is exact, also beyond 2^53.
local big = 1 << 53
print(big == big + 0.0, big + 1 == big + 1.0, big + 1 > (big + 0.0), big + 1 <= 2 ^ 53, big + 1 == 2 ^ 53)
print(math.maxinteger < math.maxinteger + 0.0, math.maxinteger + 0.0 == 2 ^ 63, math.maxinteger == 2 ^ 63)
print(math.mininteger == -2 ^ 63, math.mininteger <= -2 ^ 63, math.mininteger < -2 ^ 63, -2 ^ 63 >= math.mininteger)
print(math.maxinteger < 1 / 0, math.mininteger > -1 / 0, 1 == 1.0, "1" == 1, 0 == -0.0)
local nan = 0 / 0
print(nan == nan, nan ~= nan, nan < 1, nan > 1, nan <= nan, 1 < nan, 1 >= nan, math.maxinteger < nan)
print("a" < "b", "a" < "A", "" < "a", "a\0b" < "a\0c", "a\0" > "a", "Z" < "a", "10" < "9")
for _, pair in ipairs { { 1, "1" }, { {}, {} }, { nil, 1 }, { true, false }, { print, print }, { "a", 1 } } do
  print(pcall(function(a, b) return a < b end, pair[1], pair[2]))
  print(pcall(function(a, b) return a <= b end, pair[1], pair[2]))
end
