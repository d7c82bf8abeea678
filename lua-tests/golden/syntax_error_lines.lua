-- oracle: lua5.3
-- The line in a message is that of the token; an unclosed block names the line of its opener.
local sources = {
  "x = 1\ny = = 2", "if x then\n\ny = 1\n", "for i = 1, 2 do\nprint(i)\n", "function f()\nx = 1\n", "f(\n1,\n2\nx", "x = {\n1,\n2\n", "x = (1 +\n2",
  "while x do\nif y then\nend\n", "repeat\nx = 1\n", "do\ndo\nend\n", "x = 'a\\\nb", "x = [[\n\n", "--[[\n\n", "return\n\n1 1", "goto\n\nx", "\n\ngoto nowhere\n\n",
  "\n::a::\n::a::", "\nbreak\n", "local t = {\nf = function()\n return }\n}",
}
for _, s in ipairs(sources) do print(("%q"):format(s):gsub("\\\n", "\\n"), select(2, load(s, "@file.lua"))) end
print(select(2, load("x =", "short")), select(2, load("x =", "first line\nsecond")), select(2, load("x =", ("long"):rep(40))))
print(select(2, load("x =", "@" .. ("path/"):rep(20) .. "f.lua")), select(2, load("x =", "=" .. ("n"):rep(80))))
