-- oracle: lua5.3
local f = string.format
local list = { "plain", "with \"quotes\"", "back\\slash", "new\nline", "cr\rlf", "nul\0", "nul\0001", "tab\t", "\1\2\31\127\128\255", "", "\0a", "\1712" }
for _, s in ipairs(list) do local q = f("%q", s) print(q) assert(load("return " .. q)() == s) end
for _, n in ipairs { 0, 1, -1, math.maxinteger, math.mininteger, 0.0, 1.5, -0.1, 1e100, 2 ^ 63, 5e-324, 1 / 3 } do local q = f("%q", n) print(q, math.type(load("return " .. q)()), load("return " .. q)() == n) end
print(f("%q", 1 / 0), f("%q", -1 / 0), f("%q", 0 / 0) , f("%q", true), f("%q", false), f("%q", nil)) print(pcall(f, "%q", {})) print(pcall(f, "%q", print)) print(pcall(f, "%q")) print(pcall(f, "%10q", "x")) print(pcall(f, "%.3q", "x"))
