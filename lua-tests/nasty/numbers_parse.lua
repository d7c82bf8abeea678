-- oracle: lua5.3
-- budget: 10s 512MiB
-- Very long numerals and odd bases.
assert(tonumber(("9"):rep(100000)) == math.huge)
assert(tonumber("0x" .. ("f"):rep(100000)) == -1)
assert(tonumber(("1"):rep(64), 2) == -1)
assert(tonumber("0." .. ("0"):rep(100000) .. "1") == 0.0)
assert(tonumber("1e" .. ("9"):rep(1000)) == math.huge)
assert(tonumber("1e-" .. ("9"):rep(1000)) == 0.0)
assert(tonumber((" "):rep(100000) .. "7" .. (" "):rep(100000)) == 7)
assert(not tonumber(("1 "):rep(1000)))
assert(not pcall(tonumber, "1", 1))
assert(not pcall(tonumber, "1", 37))
assert(tonumber("z", 36) == 35 and not tonumber("z", 35))
assert(#tostring(2 ^ 1023) < 30)
assert(math.tointeger(2 ^ 53) == 1 << 53)
assert(9007199254740993 ~= 2 ^ 53 + 1.0 and 9007199254740992 == 2 ^ 53)
assert(math.maxinteger + 0.0 == 2 ^ 63 and math.maxinteger < 2 ^ 63 and not (math.maxinteger + 0.0 < 2 ^ 63))
local t = {} t[2 ^ 53] = "a" t[(1 << 53) + 1] = "b"
assert(t[1 << 53] == "a" and t[9007199254740993] == "b") t[2 ^ 63] = "f"
assert(t[math.mininteger] == nil and t[2 ^ 63] == "f")
assert(not pcall(math.random, math.mininteger, math.maxinteger))
assert(not pcall(math.random, 0))
assert(("%d"):format(math.mininteger) == "-9223372036854775808")
assert(-9223372036854775808 == math.mininteger + 0.0)
assert(math.type(-9223372036854775808) == "float")
print("ok")
