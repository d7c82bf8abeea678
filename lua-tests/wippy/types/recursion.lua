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
-- An optional of itself is nil, as a union with itself is its other members.
type Itself = Itself?
type Round<T> = ((Round<nil>)?)?
type Turn = readonly Turn?
type Both = Both | nil
for _, t in ipairs {Itself, Round(string), Turn, Both} do
  assert(select(2, t:is(nil)) == nil and not t:is(5) and not pcall(t, {}))
  assert(select(2, t:is(5)):message():find("expected .*, got number"))
end
-- What is a part of itself in other ways adds nothing to itself either.
type Self1 = Self1 & number
type Self2 = (Self2 | number | string) & (Self2 | {Self2} | number) & (Self1 | integer)
type Self3 = {a: Self4}
type Self4 = (Self4 @min(1) | {b: Self3}) @max_len(3)
for _, v in ipairs {1, "a", {}, {{}}} do
  assert(select(2, Self1:is(v)):message() == "expected Self1 & number, got " .. type(v))
  assert((select(2, Self2:is(v)) == nil) == (v == 1) and not Self4:is(v))
end
assert(select(2, Self3:is({a = 1})):message():find("^a: expected .*, got number$") and Self4:is({b = {a = {b = {a = {}}}}}) == nil)
type Inside<T> = Inside<Inside<Inside<T>>>
type Through<T> = T
type Astray<T> = Through<Astray<{T}>>
assert(Inside(string):kind() == "instantiated" and type(Inside(number) == Astray(string)) == "boolean")
assert(select(2, Astray(string):is(1)):message() == "recursion limit exceeded")
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
