-- `typeof` in types and in expressions.
local sample: {name: string, at: {lat: number, lon: number}, tags: {string}} = nil
type Row = typeof(sample)
assert(Row:is({name = "a", at = {lat = 1, lon = 2}, tags = {}}))
assert(select(2, Row:is({name = "a", at = {lat = "1", lon = 2}, tags = {}})):details().field == "at.lat")

local shape = {port = 80, host = "h", on = true, list = {1, 2}, mixed = {1, "a"}, sub = {x = {}}}
type Shape = typeof(shape)
assert(Shape:is({port = 1.5, host = "", on = false, list = {}, mixed = {"b", 2}, sub = {x = {5}}}))
assert(select(2, Shape:is({port = "80"})):details().field == "port")
assert(tostring(typeof(shape.list)) == "number[]" and typeof(shape.sub.x):kind() == "record")
assert(typeof(shape).host:kind() == "string" and rawequal(typeof("x"), String))

local n: number? = nil
assert(typeof(n):kind() == "optional" and typeof(n!):kind() == "number")
local function f(a: string): boolean return true end
assert(typeof(f):kind() == "function" and typeof(f("x")):kind() == "boolean")
local function g(x: integer, y)
  assert(typeof(x):kind() == "integer" and typeof(y):kind() == "any")
  return typeof(x)
end
assert(rawequal(g(), Integer))
assert(typeof(unknown_global):kind() == "any" and typeof(1 as string):kind() == "string")

-- Not evaluated.
local called = false
local _ = typeof((function() called = true end)())
assert(not called)

-- A variable of that name is a variable.
do
  local typeof = function(x) return x end
  assert(typeof(5) == 5)
end
assert(load("function typeof(x) return 'own ' .. x end return (typeof('x'))", "=c", "t", {})() == "own x")
assert(load("local t = {} for i = 1, 3 do t[i] = typeof(i) end return #t, t[1]:kind()", "=c", "t", {}))
-- Shadowing keeps each its own.
local v = 1
local first = typeof(v)
local v = "s"
assert(first:kind() == "number" and typeof(v):kind() == "string")
-- The variable of a numeric loop: an integer if start and step are.
local from: integer, by: number = 3, -1
for i = 1, 2 do
  assert(rawequal(typeof(i), Integer))
  local same = i
  assert(rawequal(typeof(same), Integer))
end
for i = from, 1, -1 do assert(rawequal(typeof(i), Integer)) end
for i = #"abc", 1, -1 do assert(rawequal(typeof(i), Integer)) end
for i = from, 1, by do assert(rawequal(typeof(i), Number)) end
for i = 1.0, 2 do assert(rawequal(typeof(i), Number)) end
for i = tonumber("1"), 2 do assert(rawequal(typeof(i), Number)) end
for i in next, {1} do assert(typeof(i):kind() == "any") end
-- The variables of a loop over a list or a map.
type Item = {id: integer}
type Items = {Item}
local items: {Item}, named: Items, map: {[string]: {number}} = {{id = 1}}, {{id = 2}}, {a = {1}}
local rows = {{id = 1, name = "a"}}
local function loops()
  local seen = 0
  for i, item in ipairs(items) do
    assert(rawequal(typeof(i), Integer) and rawequal(typeof(item), Item) and rawequal(typeof(item.id), Integer))
    seen = seen + 1
  end
  for i, item in ipairs(named) do assert(rawequal(typeof(i), Integer) and typeof(item) == Item) seen = seen + 1 end
  for i, item in pairs(named) do assert(typeof(i) == Integer and typeof(item) == Item) seen = seen + 1 end
  for k, v in pairs(map) do
    assert(rawequal(typeof(k), String) and tostring(typeof(v)) == "number[]")
    for _, n in ipairs(v) do assert(rawequal(typeof(n), Number)) seen = seen + 1 end
  end
  for _, row in ipairs(rows) do
    assert(typeof(row):kind() == "record" and typeof(row.name) == String)
    seen = seen + 1
  end
  for _, x in ipairs({"a", "b"}) do assert(rawequal(typeof(x), String)) seen = seen + 1 end
  for i, x in ipairs(unknown_list or {1}) do assert(rawequal(typeof(i), Integer) and typeof(x):kind() == "any") seen = seen + 1 end
  for k, v in pairs({a = 1}) do assert(typeof(k):kind() == "any" and typeof(v):kind() == "any") seen = seen + 1 end
  -- An own function may do what it likes.
  local ipairs = function(t) return next, t end
  for i, item in ipairs(items) do assert(typeof(i):kind() == "any" and typeof(item):kind() == "any") seen = seen + 1 end
  return seen
end
assert(loops() == 10)
