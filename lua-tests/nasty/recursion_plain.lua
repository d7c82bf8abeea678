-- oracle: lua5.3
-- budget: 10s 512MiB
-- Endless recursion in every plain form ends in a catchable stack overflow, again and again.
local function over(f, ...) for _ = 1, 2 do local ok, e = pcall(f, ...) assert(not ok and tostring(e):find("overflow"), tostring(e)) end end
local function f() return 1 + f() end over(f) local function h(n) local a, b, c, d, e = h(n) return a end over(h, 1) local a, b function a() b() return 1 end function b() a() return 2 end over(a)
local t = {} function t:m() self:m() return 1 end over(t.m, t)
local deep = 0 local function d(n) deep = n if n < 150000 then d(n + 1) end return n end d(1)
assert(deep == 150000) local function up(n) if n == 0 then return 0 end return 1 + up(n - 1) end
assert(up(100000) == 100000) local function tail(n) if n > 0 then return tail(n - 1) end return "end" end
assert(tail(3000000) == "end")
local co = coroutine.create(f) local ok, e = coroutine.resume(co)
assert(not ok and e:find("overflow"))
over(function() local function u(t) return table.unpack(t), u(t) end return (u { 1, 2, 3 }) end)
print("ok")
