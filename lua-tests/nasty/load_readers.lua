-- oracle: lua5.3
-- budget: 10s 512MiB
-- Readers that raise, return non-strings, bytes one by one, nothing, or load inside themselves.
-- Protected, so the message handler of the host program does not see the error.
local protected = load
local function load(...) local r = table.pack(pcall(protected, ...)) if not r[1] then return nil, r[2] end return table.unpack(r, 2, r.n) end
local f, e = load(function() error("reader", 0) end)
assert(not f and e == "reader") f, e = load(function() error({}) end)
assert(not f and type(e) == "table") f, e = load(function() return {} end)
assert(not f and e == "reader function must return a string") f, e = load(function() return true end)
assert(not f and e == "reader function must return a string")
local s, i = "return 1 + 2 -- comment", 0
assert(load(function() i = i + 1 if i <= #s then return s:sub(i, i) end end)() == 3)
assert(load(function() end)() == nil)
local depth = 0 local function inner() depth = depth + 1 if depth < 50 then
assert(load(inner)) end depth = 1000 end
assert(load(inner))
local calls = 0
assert(load(function() calls = calls + 1 if calls == 1 then return "return 5" end end)() == 5)
assert(not load(coroutine.wrap(function() coroutine.yield("return ") coroutine.yield("= ") end)))
local gen = coroutine.wrap(function() coroutine.yield("return ") coroutine.yield("8") end)
assert(load(gen)() == 8)
calls = 0 f, e = load(function() calls = calls + 1 if calls > 200000 then error("enough", 0) end return " " end)
assert(not f and e == "enough") f, e = load(function()
collectgarbage() calls = calls + 1 return calls % 50 ~= 0 and "local x = {} " or nil end)
assert(f or e)
assert(not load("\27"))
assert(not load("\27Lua"))
assert(not load("\27" .. ("x"):rep(1000)))
assert(not load("\27Lua\x53\0"))
assert(not load(string.dump(load("return 1")):sub(1, 10)))
local co = coroutine.create(function() return load(function() coroutine.yield("x") return nil end) end) local ok, a, b = coroutine.resume(co)
assert(ok)
assert(coroutine.status(co) == "dead" and a == nil and tostring(b):find("yield"))
print("ok")
