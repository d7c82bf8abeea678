-- oracle: lua5.3
local s = "hello"
for _, r in ipairs { { 1, 5 }, { 2 }, { -3 }, { -3, -2 }, { 0 }, { 0, 0 }, { 6 }, { 5, 1 }, { -100, 100 }, { math.mininteger, math.maxinteger }, { 2, 3.0 }, { "2", "3" } } do print(r[1], r[2], "[" .. s:sub(table.unpack(r)) .. "]") end
print(s:byte(), s:byte(2), s:byte(-1), s:byte(1, -1)) print(s:byte(10), s:byte(0), select("#", s:byte(3, 2)), ("\0\255"):byte(1, 2))
print(string.char(), string.char(72, 105), #string.char(0, 255), pcall(string.char, 256), pcall(string.char, -1), pcall(string.char, 1.5))
print(pcall(string.sub), pcall(string.sub, "x", 1.5), pcall(string.sub, "x", "a"), pcall(string.sub, "x", {})) print(("x"):sub(1, 2 ^ 53), pcall(string.sub, "x", 2 ^ 63))
print(string.len("a\0b"), ("abc"):len(), pcall(string.len), pcall(string.len, {})) print(string.len(123), pcall(string.byte, "x", 1, {}))
print(pcall(string.byte, ("x"):rep(10), 1, math.maxinteger) )
