-- oracle: lua5.3
-- error with levels, positions and non-string values.
local function lvl(n) error("message", n) end
local function outer(n) lvl(n) end
for n = 0, 4 do print(n, pcall(outer, n)) end
print(pcall(error)) print(pcall(error, nil)) print(pcall(error, false)) print(pcall(error, 42)) print(pcall(error, "text", 1)) print(pcall(error, "text", 2))
print(select(2, pcall(error, setmetatable({}, { __tostring = function() return "obj" end }))))
local t = {} print(select(2, pcall(error, t)) == t)
print(pcall(function() error("in function") end))
print(pcall(function() error("level 2", 2) end))
print(pcall(function() error({ code = 1 }) end) == false, (select(2, pcall(error, { code = 1 }))).code)
print(pcall(function() local x = nil; x() end))
print(pcall(load("error('chunk')", "=name"))) print(pcall(load("error('chunk')", "@file.lua"))) print(pcall(load("error('chunk')", "code"))) print(pcall(load("\n\nerror('chunk')", "line one\nline two"))) print(pcall(load("error('chunk')", ("x"):rep(100))))
print(pcall(load("local x = 1\n\nx = x .. {}", "=c")))
print(pcall(load("return 1 +\n nil", "=c"))) print(pcall(load("f(\n1,\n2\n)", "=c"))) print(pcall(load("local t = {}\nt\n.x\n.y\n= 1", "=c")))
print(pcall(error, "number", 10), pcall(error, 12, 2), pcall(error, "neg", -1))
