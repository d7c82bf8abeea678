-- oracle: lua5.3
-- Where the reference refuses to yield: sort comparators, gsub callbacks, load readers, __tostring, __gc.
local function try(f) local co = coroutine.create(f) print(coroutine.resume(co)) end
try(function() table.sort({ 3, 2, 1 }, function(a, b) coroutine.yield() return a < b end) end)
try(function() string.gsub("abc", "b", function() coroutine.yield() end) end)
try(function() return load(function() coroutine.yield() end) end)
try(function() return tostring(setmetatable({}, { __tostring = function() coroutine.yield() end })) end)
try(function() return table.concat(setmetatable({}, { __len = function() return 1 end, __index = function() coroutine.yield() end })) end)
try(function() return table.insert(setmetatable({}, { __newindex = function() coroutine.yield() end }), 1) end)
try(function() return pcall(table.sort, { 2, 1 }, coroutine.yield) end) try(function() print(coroutine.isyieldable()) table.sort({ 2, 1 }, function() print(coroutine.isyieldable()) end) end)
try(function() ("x"):gsub("x", function() local c = coroutine.wrap(function() coroutine.yield("inside is fine") end) print(c()) end) end)
print(pcall(coroutine.yield)) print(coroutine.resume(coroutine.running()))
