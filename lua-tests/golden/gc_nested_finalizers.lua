-- oracle: lua5.3
-- A finalizer that asks for a collection runs the other finalizers inside itself.
collectgarbage("stop")
for i = 1, 3 do
  setmetatable({}, { __gc = function() print("begin", i) collectgarbage() print("end", i) end })
end
collectgarbage()
print("-- inner ones")
for i = 1, 3 do
  setmetatable({}, { __gc = function()
    print("begin", i)
    setmetatable({}, { __gc = function() print("inner", i) end })
    collectgarbage()
    print("end", i)
  end })
end
collectgarbage()
print("-- steps")
for i = 1, 3 do
  setmetatable({}, { __gc = function() print("begin", i) collectgarbage("step", 1000000) print("end", i) end })
end
collectgarbage()
print("-- in a coroutine")
setmetatable({}, { __gc = function()
  print("begin")
  setmetatable({}, { __gc = function() print("inner") end })
  coroutine.wrap(function() collectgarbage() print("in coroutine") end)()
  print("end")
end })
collectgarbage()
print("-- errors are told once")
for i = 1, 2 do
  setmetatable({}, { __gc = function()
    print("begin", i)
    setmetatable({}, { __gc = function() print("inner") error("inner error", 0) end })
    print(pcall(collectgarbage))
    error("outer error", 0)
  end })
end
print(pcall(collectgarbage))
print(pcall(collectgarbage))
setmetatable({}, { __gc = function()
  setmetatable({}, { __gc = function() error("inner error", 0) end })
  collectgarbage()
  print("not reached")
end })
print(pcall(collectgarbage))
print("-- without end")
local meta = {}
meta.__gc = function() setmetatable({}, meta) collectgarbage() end
setmetatable({}, meta)
print(pcall(collectgarbage))
meta.__gc = nil
print("-- at the end of the program")
for i = 1, 3 do
  setmetatable({}, { __gc = function() print("begin", i) collectgarbage() print("end", i) end })
end
