-- oracle: lua5.3
-- budget: 10s 512MiB
-- One level per bracket: either it compiles or it is refused with a clear message; never a crash.
local n = 100000
local function check(name, source, ...) local f, e = load(source)
assert(f or e:find("overflow") or e:find("limit") or e:find("levels") or e:find("not enough memory") or e:find("too many"), name .. ": " .. tostring(e)) end
for _, p in ipairs { { "(", ")" }, { "{", "}" }, { "f(", ")" }, { "a[", "]" }, { "not ", "" }, { "- ", "" }, { "2^", "" }, { "'a'..", "" }, { "#", "" }, { "~", "" } } do check(p[1], "return " .. p[1]:rep(n) .. "1" .. p[2]:rep(n)) end
for _, p in ipairs { { "do ", " end" }, { "while true do ", " end" }, { "if x then ", " end" }, { "for i=1,2 do ", " end" }, { "repeat ", " until x" }, { "function f() ", " end" }, { "local function f() ", " end" }, { "if x then else ", " end" } } do check(p[1], p[1]:rep(n) .. p[2]:rep(n)) end
check("returns", ("return function() "):rep(n) .. ("end "):rep(n)) check("unclosed", ("("):rep(n)) check("unclosed {", "x = " .. ("{"):rep(n)) check("mixed", "return " .. ("({function() return "):rep(n))
-- 190 levels are accepted, so real programs fit
for _, p in ipairs { { "(", ")" }, { "{", "}" } } do assert(load("return " .. p[1]:rep(190) .. "1" .. p[2]:rep(190))) end
assert(load(("do "):rep(190) .. ("end "):rep(190)))
print("ok")
