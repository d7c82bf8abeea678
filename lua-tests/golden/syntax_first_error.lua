-- oracle: lua5.3
-- A text with two errors reports the one that a compiler in one pass meets first, whichever kind it is.
local errors = {
  "x = = 1", "x = 'abc", "goto nope", "break", "::a:: ::a::", "x = 0x", "x = '\\q'", "return ...",
  "local function f() return ... end", "for i = 1 do end", "x = }", "x = @", "f(", "goto l local z ::l:: print(z)",
  "1 = 2", "f() = 1", "x.y", "a.b:c = 1", "x = 1e", "x = \"a\nb\"", "end", "local 1",
  "do goto q end local u ::q:: u()", "x = { f = function() goto far end, 1 }", "g(function() break end)",
  "repeat local function h() goto out end until x", "if x then function k() goto up\nend end",
}
local places = { "%s\n%s", "do %s\n end %s", "function g() %s\n end %s", "function g() %s\n end\n%s", "y = 1 %s\nz = 2 %s",
  "::top:: %s\n%s", "x = { function() %s end,\n(function() %s end)() }", "while x do %s\nif y then %s" }
for _, place in ipairs(places) do
  for _, first in ipairs(errors) do
    for _, second in ipairs(errors) do
      local f, message = load(place:format(first, second), "=text")
      print(f and "fine" or message)
    end
  end
end
