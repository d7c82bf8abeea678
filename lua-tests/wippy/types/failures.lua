-- The error of `is`.
type Meta = {env: string, tags: {string}}
type Item = {name: string, meta?: Meta}
type Order = {id: string, items: {Item}, by: {[string]: Item}, state: "new" | "done"}

local function err(v) return select(2, Order:is(v)) end
local function order(change)
  local o = {id = "1", items = {{name = "a"}, {name = "b", meta = {env = "x", tags = {}}}}, by = {}, state = "new"}
  change(o)
  return o
end
assert(err(order(function() end)) == nil)

local e = err(order(function(o) o.items[2].meta.env = 5 end))
assert(e:kind() == "Invalid" and e:retryable() == false)
assert(e:message() == "items[2].meta.env: expected string, got number" and tostring(e) == e:message())
local d = e:details()
assert(d.field == "items[2].meta.env" and d.expected == "string" and d.got == "number" and d.constraint == nil)
assert(type(e) == "userdata" and errors.is(e, errors.INVALID))

e = err(order(function(o) o.items[2].meta.tags[3] = true o.items[2].meta.tags[1] = "a" o.items[2].meta.tags[2] = "b" end))
assert(e:details().field == "items[2].meta.tags[3]" and e:details().got == "boolean")
e = err(order(function(o) o.by.k = {} end))
assert(e:message() == "by[k].name: required field missing")
assert(e:details().field == "by[k].name" and e:details().expected == nil)
e = err(order(function(o) o.state = "other" end))
assert(e:message() == 'state: expected "new" | "done", got string')
e = err(order(function(o) o.items = "none" end))
assert(e:message() == "items: expected Item[], got string")
e = err(order(function(o) o.id = nil end))
assert(e:message() == "id: required field missing")
e = err("x")
assert(e:message() == "expected Order, got string" and e:details().field == nil)
for _, case in ipairs({
  {nil, "nil"}, {true, "boolean"}, {1, "number"}, {"", "string"}, {print, "function"}, {io.stdout, "userdata"}, {Order, "type"},
}) do
  assert(err(case[1]) and err(case[1]):details().got == case[2])
end
-- The first thing wrong, in the order of declaration.
assert(err({state = 1, items = 1}):details().field == "id")
-- A failed member of a union is not the failure; that of an optional is.
type M = {kind: "a", n: number} | {kind: "b", s: string}
assert(M:is({kind = "a", n = 1}) and M:is({kind = "b", s = "x"}))
assert(select(2, M:is({kind = "b", s = 1})):details().field == nil)
type OM = {m: {n: number}?}
assert(select(2, OM:is({m = {n = "x"}})):details().field == "m.n")
