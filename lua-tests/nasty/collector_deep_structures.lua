-- oracle: lua5.3
-- budget: 10s 512MiB
-- Lists, closures, metatables, coroutines linked a million deep: marking and freeing do not recurse.
local n = 1000000 local t for i = 1, n do t = { t } end
collectgarbage()
collectgarbage()
assert(t[1]) t = nil
collectgarbage() local f for i = 1, n // 4 do
local g = f f = function() return g end end
collectgarbage() f = nil
collectgarbage() for i = 1, n // 4 do t = setmetatable({}, { __index = t }) end
collectgarbage() t = nil
collectgarbage() for i = 1, n // 4 do t = setmetatable({}, { t }) end
collectgarbage() t = nil
collectgarbage() for i = 1, 50000 do
local p = t t = coroutine.wrap(function() coroutine.yield(p) end) t() end
collectgarbage() t = nil
collectgarbage() for i = 1, n // 4 do t = { [{ t }] = i } end
collectgarbage() t = nil
collectgarbage()
local weak = setmetatable({}, { __mode = "k" })
local first = {}
local k = first for i = 1, 20000 do
local nk = {} weak[k] = nk k = nk end
collectgarbage()
local c = 0 for _ in pairs(weak) do c = c + 1 end
assert(c == 20000) first, k = nil, nil
collectgarbage()
assert(next(weak) == nil)
print("ok")
