-- Calling a type, and `is`.
type P = {x: number}
type Q = {p: P}
type Opt = number?
type Flag = boolean
type Box<T> = {value: T}
type Pair<A, B> = {a: A, b: B}

local function message(f, ...)
  local ok, e = pcall(f, ...)
  assert(not ok and type(e) == "string", e)
  return e
end

local t = {x = 1}
assert(rawequal(P(t), t) and select("#", P(t)) == 1)
assert(message(P, {x = "a"}):find("x: expected number, got string", 1, true))
assert(message(P, "s"):find("expected P, got string", 1, true))
assert(message(P) == "type P expects at least 1 argument" or message(P):find("type P expects at least 1 argument", 1, true))
assert(message(P, t, t):find("type P validation expects 1 value, got 2", 1, true))
assert(message(P, String):find("type P is not generic", 1, true))
assert(message(P, String, 1):find("type P does not accept mixed type/value arguments", 1, true))
assert(message(Pair, String):find("generic Pair expects 2 type arguments, got 1", 1, true))
assert(message(Box, String, Number):find("generic Box expects 1 type arguments, got 2", 1, true))
-- The message names the place of the call.
local ok, e = pcall(function()
  return P({})
end)
assert(not ok and e:find("calls.lua:27: x: required field missing", 1, true), e)

local v, err = P:is(t)
assert(rawequal(v, t) and err == nil)
v, err = P.is(t)
assert(rawequal(v, t) and err == nil)
v, err = P:is({})
assert(v == nil and tostring(err) == "x: required field missing")
v, err = P:is()
assert(v == nil and tostring(err) == "expected P, got nil")
v, err = P:is(P)
assert(v == nil and tostring(err) == "expected P, got type")
assert(select("#", P:is(t)) == 2 and select("#", P:is(1)) == 2)

-- nil and false that fit.
v, err = Opt:is(nil)
assert(v == nil and err == nil)
assert(select("#", Opt:is()) == 2 and select(2, Opt:is("x")) ~= nil)
v, err = Flag:is(false)
assert(v == false and err == nil)

-- Generic types.
local Made = Box(string)
assert(type(Made) == "type" and tostring(Made) == "Box<string>")
assert(Made:is({value = "a"}) and not Made:is({value = 1}))
assert(Box(Integer):is({value = 1}) and Box(number):is({value = 1.5}))
assert(Pair(string, number):is({a = "x", b = 1}) and not Pair(string, number):is({a = 1, b = 1}))
assert(Box(P):is({value = {x = 1}}) and select(2, Box(P):is({value = {}})):details().field == "value.x")
assert(Box(Box(P)):is({value = {value = {x = 1}}}))
assert(message(Box, {value = 1}):find("expected Box, got table", 1, true))

type Nested<T> = {items: {Box<T>}, map: {[string]: T}?}
type NS = Nested<string>
assert(NS:is({items = {{value = "a"}}, map = {k = "v"}}) and not NS:is({items = {{value = 1}}}))
assert(select(2, NS:is({items = {{value = "a"}, {value = 1}}})):details().field == "items[2].value")

-- A wrong number of arguments in a type counts as unknown.
type Wrong = {b: Box<string, number>}
assert(Wrong:is({b = 1}))

-- Types cannot be changed, and are not tables.
assert(not pcall(function() P.x = 5 end))
assert(not pcall(rawset, P, "x", 1) and not pcall(next, P))
assert(getmetatable(P) == "type")
assert(not pcall(function() return P + 1 end))
