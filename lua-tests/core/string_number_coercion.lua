-- oracle: lua5.3
assert("10" + 1 == 11 and "0x10" * 2 == 32 and 10 .. "" == "10" and 1.0 .. "" == "1.0")
assert(not pcall(function() return "a" + 1 end) and not pcall(function() return 1 < "2" end) and "10" ~= 10)
