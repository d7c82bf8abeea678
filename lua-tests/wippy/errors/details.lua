-- Details are copied when the error is made and when they are asked for.
local function details(t) return errors.new({message = "m", details = t}):details() end

assert(details({}) == nil)
assert(details({"a", "b"}) == nil, "only string keys of the top level")
assert(details({[true] = 1, [1.5] = 2, x = 3}).x == 3)
assert(next(details({[true] = 1, x = 3}), "x") == nil)

local d = details({
  s = "text", i = 1, f = 1.0, yes = true, no = false,
  list = {1, "two", {3}}, map = {a = {b = {c = "deep"}}}, mixed = {1, 2, x = "y"}, empty = {},
  explicit = {[1] = "a", [2] = "b"}, holes = {[1] = "a", [3] = "c"},
})
assert(d.s == "text" and math.type(d.i) == "integer" and math.type(d.f) == "float" and d.yes == true and d.no == false)
assert(#d.list == 3 and d.list[2] == "two" and d.list[3][1] == 3)
assert(d.map.a.b.c == "deep")
assert(d.mixed.x == "y" and d.mixed[1] == nil)
assert(type(d.empty) == "table" and next(d.empty) == nil)
assert(#d.explicit == 2 and d.explicit[2] == "b")
assert(next(d.holes) == nil)
local backwards = {}
for i = 5, 1, -1 do backwards[i] = i * i end
assert(#details({t = backwards}).t == 5 and details({t = backwards}).t[5] == 25)

-- no sharing
local given = {n = 1, inner = {n = 1}}
local e = errors.new({message = "m", details = given})
given.n, given.inner.n, given.new = 2, 2, 2
local first = e:details()
assert(first.n == 1 and first.inner.n == 1 and first.new == nil)
first.n, first.inner.n = 3, 3
assert(e:details().n == 1 and e:details().inner.n == 1 and e:details() ~= e:details())

-- what is no plain data becomes its text
local co = coroutine.create(print)
d = details({f = print, co = co, file = io.stdout, e = errors.new("inner"), list = {print}})
assert(d.f == tostring(print) and d.co == tostring(co) and d.e == "inner" and d.list[1] == tostring(print))
assert(d.file == tostring(io.stdout))

-- a text that must be asked for may wait
local calls = 0
debug.setmetatable(print, {__tostring = function(f)
  calls = calls + 1
  coroutine.yield("asked")
  return f == print and "print" or "other"
end})
local made
local asking = coroutine.wrap(function()
  made = errors.new({message = "m", kind = "K", details = {a = print, b = {pairs}, c = {y = pairs}}})
  return "made"
end)
for _ = 1, 3 do assert(asking() == "asked") end
assert(asking() == "made" and calls == 3)
assert(made:details().a == "print" and made:details().c.y == "other" and made:kind() == "K")
debug.setmetatable(print, {__tostring = function() return 1 end})
assert(details({f = print}).f == "1")
debug.setmetatable(print, {__tostring = function() return {} end})
assert(not pcall(details, {f = print}))
debug.setmetatable(print, nil)

-- tables without end
local cycle = {}
cycle.cycle = cycle
local ok, message = pcall(details, {c = cycle})
assert(not ok and message:find("nested too deeply", 1, true), message)
local bomb = {}
for _ = 1, 60 do bomb = {l = bomb, r = bomb} end
ok, message = pcall(details, bomb)
assert(not ok and message:find("too large", 1, true), message)
local deep = {}
for _ = 1, 90 do deep = {deep} end
assert(details({d = deep}).d[1][1])
