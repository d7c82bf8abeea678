-- oracle: lua5.3
-- tonumber on strings, with and without base.
for _, s in ipairs { "10", " 10 ", "\t10\n", "0x1F", "-0x1F", "- 1", "+1", "1e3", "1E-3", ".5", "5.", "0x.8p1", "1e400", "", " ",
  "x", "1x", "1 1", "0x", "1e", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "infinity", "nan", "1\0", "٣" } do
  print(("%q"):format(s), tonumber(s), math.type(tonumber(s) or 0))
end
print(tonumber("ff", 16), tonumber("FF", 16), tonumber("zz", 36), tonumber("11", 2), tonumber(" -7f ", 16), tonumber("8", 8), tonumber("1.0", 10))
print(tonumber("7fffffffffffffff", 16), tonumber("8000000000000000", 16), tonumber("ffffffffffffffff", 16), tonumber("1ffffffffffffffff", 16))
print(tonumber(""), tonumber("", 10), tonumber("-", 10), tonumber("1 2", 10), tonumber("\v1\f", 10))
print(tonumber(10), tonumber(1.5), tonumber(nil), tonumber({}), tonumber(true))
print(pcall(tonumber))
print(pcall(tonumber, "10", 1))
print(pcall(tonumber, "10", 37))
print(pcall(tonumber, 10, 10))
print(pcall(tonumber, {}, 10))
print(pcall(tonumber, "10", "x"))
print(pcall(tonumber, "10", 2.5))
