-- oracle: lua5.3
-- budget: 10s 512MiB
-- Finalizers that allocate, raise, collect, resurrect, register again; growth inside __gc.
local count = 0 for i = 1, 1000 do setmetatable({}, { __gc = function() count = count + 1
local t = {} for j = 1, 10 do t[j] = { j } end end }) end
collectgarbage()
collectgarbage()
assert(count == 1000) count = 0 for i = 1, 50 do setmetatable({}, { __gc = function() count = count + 1
collectgarbage() end }) end
collectgarbage()
assert(count == 50)
local saved = {} for i = 1, 100 do setmetatable({}, { __gc = function(o) saved[#saved + 1] = o end }) end
collectgarbage()
assert(#saved == 100) saved = nil
collectgarbage()
local again = 0 local mt mt = { __gc = function(o) again = again + 1 if again < 10 then setmetatable(o, mt) end end } setmetatable({}, mt) for i = 1, 15 do
collectgarbage() end
assert(again == 10)
local t = {}
local grow = setmetatable({}, { __gc = function() for i = 1, 10000 do t[#t + 1] = i end end }) grow = nil
collectgarbage()
assert(#t == 10000)
local raised = 0 for i = 1, 10 do setmetatable({}, { __gc = function() raised = raised + 1 error("ignored or reported") end }) end for i = 1, 20 do pcall(collectgarbage) end
assert(raised == 10) local yielded setmetatable({}, { __gc = function() yielded = not pcall(coroutine.yield) end }) coroutine.wrap(function()
collectgarbage() end)()
assert(yielded)
print("ok")
