-- oracle: lua5.3
-- Packing formats round trip; bytes shown in hex.
local function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end
for _, c in ipairs { { "b", -1 }, { "B", 255 }, { "<h", 258 }, { ">h", 258 }, { "<H", 65535 }, { "<i4", -2 }, { ">i4", 1 << 24 }, { "<I3", 0x123456 }, { ">I3", 0x123456 }, { "<i7", -5 }, { "<i16", -2 }, { ">i16", 3 }, { "<l", 1 }, { "<j", math.mininteger }, { ">J", -1 }, { "<T", 7 }, { "<f", 1.5 }, { ">f", -2.25 }, { "<d", 0.1 }, { ">d", 1 / 3 }, { "<n", 1e300 }, { "z", "text" }, { "<s1", "abc" }, { ">s2", "abc" }, { "<s", "len8" }, { "c5", "abc" }, { "c0", "" }, { "x", } , { "<i4x", 1 }, { "<!4 b Xi4 i4", 1, 2 }, { "<!8 b d", 1, 2.0 }, { "<!2 b i4", 1, 2 }, { ">I2 <I2 =I1", 1, 1, 1 }, { " < i2 > i2 ", 1, 2 } } do
  local p = string.pack(table.unpack(c)) print(c[1], hex(p), #p, string.unpack(c[1], p))
end
for _, c in ipairs { { "b", 128 }, { "B", 256 }, { "B", -1 }, { "<i2", 32768 }, { "I8", -1 }, { "i17", 1 }, { "i0", 1 }, { "z", "a\0b" }, { "s1", ("x"):rep(256) }, { "c2", "abc" }, { "!17" }, { "!3 i4", 1 }, { "Xz" }, { "X" }, { "y", 1 }, { "i", "x" }, { "i", 1.5 }, { "d", "x" }, { "c", "x" }, { "i4" }, { "s", {} }, { "!4 Xi3" }, { "c99999999999999999999", "x" } } do print(c[1], pcall(string.pack, table.unpack(c))) end
