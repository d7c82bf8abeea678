-- The main chunk has a caller: the program itself.
local level = 1
while debug.getinfo(level, "S").what ~= "main" do level = level + 1 end
local info = debug.getinfo(level + 1)
print(info.what, info.short_src, info.source, info.currentline, info.linedefined, info.name, info.namewhat, type(info.func))
print(debug.getinfo(level + 2), info.nups, info.isvararg, info.istailcall)
print(debug.traceback("x", level + 1))
-- A coroutine has none.
coroutine.wrap(function()
  print(debug.getinfo(1).what, debug.getinfo(2))
end)()
