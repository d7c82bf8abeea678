-- oracle: lua5.3
local events = {} local function hook(e, l) events[#events + 1] = e .. (l and ":" .. l or "") end local function g() return 1 end
local function run(mask, count, f) events = {} debug.sethook(hook, mask, count) f() debug.sethook() print(mask, table.concat(events, " ")) end
run("l", 0, function()
  local x = 1
  for i = 1, 2 do
    x = x + i
  end
  if x then x = 2 else x = 3 end
end)
run("c", 0, function() g() print() end)
run("r", 0, function() g() end)
run("crl", 0, function()
  local a = g()
  return a
end)
local n = 0 debug.sethook(function(e) n = n + 1 end, "", 100) for i = 1, 10000 do end debug.sethook() print(n > 10, debug.gethook()) debug.sethook(hook, "crl", 5) local h, m, c = debug.gethook() print(h == hook, m, c) debug.sethook(nil) print(debug.gethook()) print(pcall(function() debug.sethook(function() error("from hook") end, "l") local x = 1 debug.sethook() end)) debug.sethook()
local co = coroutine.create(function() local x = 1
  coroutine.yield()
  x = 2
end) local lines = {} debug.sethook(co, function(_, l) lines[#lines + 1] = l end, "l") coroutine.resume(co) coroutine.resume(co) print(table.concat(lines, " ")) print(debug.gethook(co) ~= nil, debug.gethook()) local infos = {} debug.sethook(function() local i = debug.getinfo(2, "nl") infos[#infos + 1] = tostring(i.name) end, "c") g() debug.sethook() print(infos[1], infos[2])

-- print calls tostring, as hooks see; messages of tracebacks end at a zero byte
local seen = {}
debug.sethook(function(event) seen[#seen + 1] = event end, "cr") print(1, "x", nil) debug.sethook() print(table.concat(seen, " "))
print(debug.traceback("a\0b"))
