-- oracle: lua5.3
-- budget: 10s 512MiB
-- Error values of every kind, cyclic ones, with __tostring that raises or returns no string; errors in handlers.
for _, v in ipairs { false, 0, "", print, coroutine.create(print) } do local ok, e = pcall(error, v, 0)
assert(not ok and e == v) end local ok, e = pcall(error)
assert(not ok and e == nil)
local cyc = {} cyc[1] = cyc ok, e = pcall(error, cyc)
assert(e == cyc)
ok, e = pcall(error, setmetatable({}, { __tostring = function() error("inside") end }))
assert(not ok and type(e) == "table")
assert(not pcall(tostring, e)) ok, e = pcall(error, setmetatable({}, { __tostring = function() return {} end }))
assert(not ok) ok, e = pcall(tostring, e)
assert(not ok and e:find("must return a string"))
ok, e = xpcall(error, function() error("again") end, "x")
assert(not ok) ok, e = xpcall(function() local function f() return f() + 1 end f() end, function(m) local function g() return g() + 1 end return g() end)
assert(not ok) ok, e = xpcall(function() local function f() return f() + 1 end f() end, function(m) return "seen: " .. m end)
assert(not ok and e:find("^seen: .*overflow")) ok, e = xpcall(error, function(m) return setmetatable({}, { __index = m }) end, {})
assert(not ok and type(e) == "table")
assert(xpcall(error, error, "x") == false) ok, e = pcall(error, "msg", 1000000000)
assert(not ok and e == "msg") ok, e = pcall(error, "msg", -1000000000)
assert(not ok and e == "msg") ok, e = pcall(error, "msg", math.mininteger)
assert(e == "msg") ok, e = pcall(error, ("m"):rep(1000000))
assert(#e == 1000000) ok, e = pcall(error, ("m"):rep(1000000), 2)
assert(#e >= 1000000) ok, e = pcall(function()
local t = {} return t[("k"):rep(100000)].x end)
assert(not ok and type(e) == "string") ok, e = pcall(load, "x = ", ("n"):rep(100000))
assert(ok)
local depth = 0 local function h(m) depth = depth + 1 if depth < 10 then return select(2, xpcall(error, h, m)) end return "bottom" end
assert(select(2, xpcall(error, h, "x")) == "bottom") for i = 1, 1000 do
local ok = pcall(error, i)
assert(not ok) end
local co = coroutine.wrap(function() for i = 1, 100 do pcall(error, i) coroutine.yield(i) end end) for i = 1, 100 do
assert(co() == i) end
assert(#debug.traceback(("t"):rep(1000000)) > 1000000)
print("ok")
