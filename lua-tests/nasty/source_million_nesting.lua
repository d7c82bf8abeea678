-- oracle: none
-- budget: 10s 512MiB
-- A million levels of every bracket: refused, quickly and without touching the native stack.
local n = 1000000
for _, p in ipairs { "(", "{", "a[", "not ", "- ", "2^", "'a'..", "f(", "function() return ", "-(" } do local f, e = load("return " .. p:rep(n))
assert(f == nil and type(e) == "string", p) end
for _, p in ipairs { "do ", "function f() ", "if x then ", "while x do ", "repeat ", "for i = 1, 2 do " } do local f, e = load(p:rep(n))
assert(f == nil and type(e) == "string", p) end
print("ok")
