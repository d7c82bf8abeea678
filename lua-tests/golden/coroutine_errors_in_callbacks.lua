-- oracle: lua5.3
-- Errors out of sort comparators, gsub callbacks, iterators and load readers, inside coroutines.
print(pcall(table.sort, { 3, 1, 2 }, function() error("cmp", 0) end)) print(pcall(string.gsub, "x", "x", function() error("sub", 0) end)) print(pcall(load, function() error("reader", 0) end)) print(pcall(function() for _ in function() error("iter", 0) end do end end))
local co = coroutine.create(function() local ok, e = pcall(table.sort, { 3, 1, 2 }, function() error("cmp", 0) end) coroutine.yield(ok, e) local ok2, e2 = pcall(string.gsub, "x", "x", function() error("sub", 0) end) return ok2, e2 end)
print(coroutine.resume(co)) print(coroutine.resume(co)) print(coroutine.resume(co))
print(pcall(function() local t = setmetatable({}, { __index = function(_, k) error("no field " .. k, 2) end }) return t.abc end))
local w = coroutine.wrap(function() local inner = coroutine.wrap(function() error("inner") end) inner() end) print(pcall(w))
local depth = coroutine.wrap(function() return pcall(coroutine.wrap(function() return pcall(coroutine.wrap(function() error("deep", 0) end)) end)) end) print(depth())
print(pcall(require, "_no_such_module_anywhere") == false) print(coroutine.resume(coroutine.create(function() error(setmetatable({}, { __tostring = function() return "obj" end })) end)))
