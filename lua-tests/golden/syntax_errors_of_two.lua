-- oracle: lua5.3
-- The first of two errors, whichever part of the compiler finds it; open lists of parameters; zero bytes in texts and names.
for _, text in ipairs {
  "local function f() goto x end\n++", "::a:: ::a:: local b\n++", "while 1 do local function f() break end end\nlocal = 1",
  "goto x\n++", "do goto x local y ::x:: print(y) end\nfor", "x = function(a\n", "local function f(a,\nb", "function t.f(a\nend",
  "x\0y = 1", "x = \0", "local \0", "x = 'a\0b' 1", "for i\0 = 1, 2 do end", "return 1 \0",
} do print(load(text, "=c")) print(load(text)) print(load(text, "=name\0more")) print(load(text, "text\0more")) end
print(debug.getinfo(load("return 1", "=a\0b"), "S").source, debug.getinfo(load("return 1\0\n--[[\0]]", "=a") or print, "S").short_src)
local registry = debug.getregistry()
print(registry[1] == coroutine.running(), registry[2] == _G, type(registry._LOADED))
