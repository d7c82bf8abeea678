-- oracle: lua5.3
-- Strings become numbers in arithmetic, numbers become strings in concatenation; nowhere else.
print("10" + 5, "0x10" + 0, "1e1" * 1, " 10 " + 1, "10" * "2", "3" // "2", "7" % "4", "2" ^ "3", -"2", -"2.5")
print(math.type("10" + 0), math.type("10.0" + 0), math.type("0x1p4" + 0), math.type("1e1" + 0))
print("9223372036854775807" + 1, "9223372036854775808" + 0, "0xffffffffffffffff" + 0)
for _, s in ipairs { "", " ", "abc", "1a", "0x", "1e", "1 2", "--1", "1e+", "0x1p", "nan", "inf", "\0001", "1\0" } do
  print(("%q"):format(s), pcall(function() return s + 1 end))
end
print(10 == "10", 0 == "0", ({ [1] = "i" })["1"], ({ ["1"] = "s" })[1])
print(("10"):rep(2), #tostring(12), ("5"):byte())
