-- oracle: lua5.3
-- Call forms: string and table arguments, methods, chains, tail calls.
local function f(...) return select("#", ...), ... end
print(f"text", f[[long]], f{ 1 } and "table", (f()))
local s = "abc"
print(s:upper(), ("x"):rep(3), #s:rep(2), ("%d"):format(7))
local o = { v = 5 }
function o:get(d) return self.v + (d or 0) end
function o.static(d) return d end
o.inner = { deep = {} }
function o.inner.deep.fn(x) return x * 2 end
function o.inner.deep:me() return self == o.inner.deep end
print(o:get(), o:get(1), o.get(o, 2), o.static(3), o.inner.deep.fn(4), o.inner.deep:me())
local function tail(n) if n == 0 then return "bottom" end return tail(n - 1) end
print(tail(100000))
local function even(n) if n == 0 then return true end return (function(m) return even(m - 2) end)(n) end
print(even(10000))
print((function() end)(), (function() return end)(), type((function() return nil end)()))
print(pcall(function() local t = {} t.x.y() end))
print(pcall(function() local t = {} t:nomethod() end))
print(pcall(function() ("x")() end))
print(#{ f(1, 2), f(3) }, (f(1, 2)))
