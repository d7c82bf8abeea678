-- oracle: lua5.3
-- The reference's words for the first syntax error.
local sources = {
  "x =", "x = = 1", "local", "local 1", "if x", "if x then", "for", "for i", "for i = 1", "for i = 1 do", "for i in", "for i, j = 1, 2 do end",
  "while true", "repeat", "repeat until", "function", "function f", "function f(", "function f(a,", "function f(a b) end", "return return",
  "return 1 x", "do", "end", "break", "goto", "goto x", "::a:: ::a::", "::a", "x", "x.y", "x:y", "x:y =", "f(", "f(1", "f(1,", "f(1,)", "{",
  "x = {1", "x = {1 2}", "x = {[1]}", "x = {[1 = 2}", "x = (1", "x = 1 +", "x = not", "x = #", "x = a.", "x = a.1", "x = a[", "x = a[1",
  "(x", "(x)", "(x) = 1", "f() = 1", "x + 1", "1", "'a'", "nil = 1", "x, y", "x, 1 = 2", "local function", "local function f.a() end", "function f.a:b.c() end",
  "x = function", "x = ...", "function f() return ... end", "x = }", "x = @", "x = $", "x = 1 = 2", "if x then else elseif y then end", "else", "until x",
  "local x <const> = 1", "x = a and", "x = ~", "x = 1 ~= ", "goto continue; local a; ::continue:: print(a)", "do goto l1 end; do ::l1:: end",
  "return;;", "x = \"a\nb\"", "x = 'a", "x = [[a", "--[[", "x = [=a", "x = 0x", "x = 3q", "x = a:b", "a.b:c = 1", "a().b", "a{}.b", "a''.b",
  "for a.b = 1, 2 do end", "for 1 = 1, 2 do end", "for i = 1, 2, 3, 4 do end", "f(x y)", "x = {a=}", "x = {,}", "x = {;}", "local a, = 1", "x = a..", "x = a...b",
}
for _, s in ipairs(sources) do print(("%q"):format(s), select(2, load(s, "=src"))) end
