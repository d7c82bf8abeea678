-- oracle: lua5.3
-- debug.traceback: levels, messages, function names, tail calls, other coroutines.
local function level3() print(debug.traceback("msg")) end
local function level2() level3() end
function global_function() level2() end
local t = { method = function(self) global_function() end }
function t.field() t:method() end
t.field()
print(debug.traceback("msg", 2)) print(debug.traceback("m", 0)) print(debug.traceback(nil) ~= nil, debug.traceback(5), debug.traceback(true), debug.traceback("x", 100))
local function tail() return global_function() end
tail()
local co = coroutine.create(function(x) local function inner() coroutine.yield(x) end inner() end)
print(debug.traceback(co)) coroutine.resume(co, 1) print(debug.traceback(co)) print(debug.traceback(co, "with message")) print(debug.traceback(co, nil, 1)) print(debug.traceback(co, "m", 5)) coroutine.resume(co) print(debug.traceback(co))
co = coroutine.create(function() local x = nil; x.y = 1 end) print(coroutine.resume(co)) print(debug.traceback(co))
print(xpcall(function() error("in xpcall") end, debug.traceback))
print(xpcall(function() string.rep() end, debug.traceback))
table.sort({ 2, 1 }, function(a, b) if not done then done = true print(debug.traceback("in sort")) end return a < b end)
for _ in (function() print(debug.traceback("iterator")) end) do end
setmetatable({}, { __index = function() print(debug.traceback("index")) end }).x = nil
local _ = setmetatable({}, { __index = function() print(debug.traceback("index")) end }).x
local _ = setmetatable({}, { __add = function() print(debug.traceback("add")) end }) + 1
load("print(debug.traceback('loaded'))", "=loaded")()
local function rec(n) if n == 0 then print(debug.traceback("deep")) else rec(n - 1) end return end rec(40)
