-- Goes wrong in the way it is told to.
local wrong = {}

function wrong.memory()
  local all = {}
  while true do all[#all + 1] = ("x"):rep(100) .. #all end
end

function wrong.strings()
  local s = "x"
  while true do s = s .. s end
end

function wrong.stack()
  local function f(n) return 1 + f(n + 1) end
  return f(1)
end

function wrong.metamethods()
  local t = setmetatable({}, {})
  getmetatable(t).__index = function(t, k) return t[k .. "x"] end
  return t.x
end

function wrong.flood()
  local me, text = process.pid(), ("x"):rep(1000)
  while true do process.send(me, "flood", text) end
end

function wrong.coroutines()
  local ch = channel.new()
  while true do coroutine.spawn(function() ch:receive() end) end
end

function wrong.timers()
  local time, all = require("time"), {}
  while true do all[#all + 1] = time.after("1h") end
end


-- These never end by themselves.

function wrong.pattern() return (("a"):rep(40)):find(("a?"):rep(40) .. ("a"):rep(41)) end

wrong["function"] = function() while true do end end

function wrong.sort()
  local t = {}
  for i = 1, 1000 do t[i] = i end
  while true do table.sort(t, function(a, b) return a < b end) end
end

function wrong.iterator() for _ in function() return 1 end do end end

function wrong.gsub() while true do (("x"):rep(10000)):gsub(".", {x = "yy"}) end end

function wrong.caught() while true do pcall(error, "again") end end

return function(how)
  wrong[how]()
  return how
end
