-- oracle: lua5.3
-- Multiple assignment evaluates all expressions before it assigns.
local a, b, c = 1, 2
print(a, b, c)
a, b = b, a
print(a, b)
local t = {}
local i = 1
i, t[i] = i + 1, 20
print(i, t[1], t[2])
local function f() return 1, 2, 3 end
local x, y, z, w = f()
print(x, y, z, w)
x, y, z, w = 0, f()
print(x, y, z, w)
x, y, z, w = f(), 10
print(x, y, z, w)
x, y = (f())
print(x, y)
local p = { f(), f() }
print(#p)
p = { f(), (f()) }
print(#p)
p = { [1] = "x", f() }
print(p[1], p[3])
a = { 1, 2, 3 }
local k = 1
k, a[k], a[k + 1] = 2, "one", "two"
print(k, a[1], a[2])
