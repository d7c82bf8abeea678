-- Recursive types and deep values.
type List = {v: number, next: List?}
local function chain(n)
  local l
  for _ = 1, n do l = {v = 1, next = l} end
  return l
end
assert(List:is(chain(64)) and List:is(chain(1)))
local _, err = List:is(chain(65))
assert(err:message():find("recursion limit exceeded", 1, true) and err:details().field:find("^next%.next"))
local loop = {v = 1}
loop.next = loop
assert(select(2, List:is(loop)):message():find("recursion limit exceeded", 1, true))
local wrong = {v = 1, next = {v = 2, next = {v = "x"}}}
assert(select(2, List:is(wrong)):message() == "next.next.v: expected number, got string")

type Tree<T> = {value: T, kids: {Tree<T>}}
type Texts = Tree<string>
assert(Texts:is({value = "a", kids = {{value = "b", kids = {}}}}))
assert(select(2, Texts:is({value = "a", kids = {{value = "b", kids = {}}, {value = 1, kids = {}}}})):details().field
  == "kids[2].value")

type Even = {odd: Odd?}
type Odd = {even: Even?}
assert(Even:is({odd = {even = {odd = {}}}}) and not Even:is({odd = {even = 1}}))

type Json = nil | boolean | number | string | {Json} | {[string]: Json}
assert(Json:is({a = {1, 2, {b = "x"}}, c = false}))
assert(not Json:is(print) and not Json:is({print}) == false, "integer keys are no concern of a map with string keys")

-- Types that mean nothing, and such that grow when they are looked into.
type Nothing = Nothing
type Ring1 = Ring2
type Ring2 = Ring1
assert(type(Nothing) == "type" and Nothing:kind() == "unknown" and Ring1:kind() == "unknown")
type Grow<T> = {a: Grow<{T}>?, b: Grow<{[string]: T}>?}
type G = Grow<string>
assert(G:is({}) and G:is({a = {b = {}}}) and not G:is({a = {b = 5}}))
assert(G == G and G <= G and tostring(G.a) == "Grow<string[]>?" and G.a:inner().a:kind() == "optional")
local t = G
for _ = 1, 300 do t = t.a:inner() end
assert(#tostring(t) > 100)
type Box<T> = {value: T}
local b = Box(string)
for _ = 1, 2000 do b = Box(b) end
assert(#tostring(b) > 100 and #tostring(b) < 2000)
assert(type(b == Box(b)) == "boolean")

-- Tagged unions of recursive types are not looked into again and again.
type Expr = {op: "add", l: Expr, r: Expr} | {op: "neg", l: Expr} | {op: "num", n: number}
local e = {op = "num", n = 1}
for _ = 1, 60 do e = {op = "neg", l = e} end
assert(Expr:is(e))
