-- What each type accepts.
local function accepts(t, ...)
  for i = 1, select("#", ...) do
    local x = select(i, ...)
    local _, err = t:is(x)
    assert(err == nil, tostring(err))
  end
end
local function refuses(t, text, ...)
  for i = 1, select("#", ...) do
    local v, err = t:is((select(i, ...)))
    assert(v == nil and err ~= nil, "accepted value " .. i)
    assert(err:message():find(text, 1, true), err:message())
  end
end

type AnyT = any
type UnknownT = unknown
type NeverT = never
type SelfT = Self
accepts(AnyT, nil, 1, "a", {}, print)
accepts(UnknownT, nil, 1, {})
accepts(SelfT, nil, 1, {})
refuses(NeverT, "expected never, got", nil, 1, {})

type Three = 3
type Half = 1.5
type Word = "on"
type Yes = true
accepts(Three, 3, 3.0)
refuses(Three, "expected 3, got", 4, "3", 3.5)
accepts(Half, 1.5)
accepts(Word, "on")
refuses(Word, 'expected "on", got string', "off", "On")
accepts(Yes, true)
refuses(Yes, "expected true, got boolean", false)

type Mode = "on" | "off" | 3
accepts(Mode, "on", "off", 3, 3.0)
refuses(Mode, 'expected "on" | "off" | 3, got', "x", 4, nil)

type Fn = (x: number) -> string
type AnyFn = fun
accepts(Fn, print, function() end, string.rep)
refuses(Fn, "expected function, got table", {}, setmetatable({}, {__call = print}))
accepts(AnyFn, print)

type T = table
type Empty = {}
type I = interface {go: () -> ()}
accepts(T, {}, {1}, {a = 1})
accepts(Empty, {}, {1}, {a = 1})
accepts(I, {})
refuses(T, "expected table, got", 1, print)

type List = {number}
type Words = string[]
accepts(List, {}, {1, 2.5}, {1, nil, 3}, {1, x = "ignored", [-1] = "ignored"})
refuses(List, "[2]: expected number, got string", {1, "a"})
refuses(List, "expected number[], got", 1, nil)
accepts(Words, {"a"})

type Map = {[string]: number}
type IntMap = {[integer]: string}
type AnyKey = {[any]: number}
accepts(Map, {}, {a = 1}, {1, "sequence", a = 1})
refuses(Map, "[a]: expected number, got string", {a = "x"})
refuses(Map, "[true]: expected string, got boolean", {[true] = 1})
refuses(Map, "[7]: expected string, got number", {[7] = 1})
accepts(IntMap, {"a", "b", [10] = "c"})
refuses(IntMap, "[2]: expected string, got number", {"a", 5})
accepts(AnyKey, {1, 2, a = 3})
refuses(AnyKey, "[2]: expected number", {1, "a"})

type Rec = {name: string, age?: number, note: string?}
accepts(Rec, {name = "a"}, {name = "a", age = 1, note = "n", more = {}})
refuses(Rec, "name: required field missing", {})
refuses(Rec, "age: expected number, got string", {name = "a", age = "1"})
refuses(Rec, "note: expected string?, got number", {name = "a", note = 1})
refuses(Rec, "expected Rec, got string", "x")
-- Raw access.
refuses(Rec, "name: required field missing", setmetatable({}, {__index = {name = "a"}}))

type A = {a: number}
type B = {b: number}
type Both = A & B
type Either = A | B
accepts(Both, {a = 1, b = 2})
refuses(Both, "b: required field missing", {a = 1})
accepts(Either, {a = 1}, {b = 1})
refuses(Either, "expected A | B, got table", {})

type Deep = readonly {items: readonly {A}}
accepts(Deep, {items = {{a = 1}}})
refuses(Deep, "items[1].a: expected number, got boolean", {items = {{a = true}}})

type Err = error
accepts(Err, errors.new("x"))
refuses(Err, "expected error, got", "x", {})

type Unknown1 = Missing
type Unknown2 = {m: lib.Missing}
refuses(Unknown1, "unresolved type Missing", 1, nil)
refuses(Unknown2, "m: unresolved type lib.Missing", {m = 1})

type Circle = Circle
type KeyedBy = keyof(Rec)
accepts(KeyedBy, "name", "age")
refuses(KeyedBy, 'expected "name" | "age" | "note", got string', "other")
type FieldOf = Rec["name"]
accepts(FieldOf, "x")
refuses(FieldOf, "expected string", 1)
type Branch<X> = X extends {number}
  ? (string | boolean)
  : X extends () -> any ? fun(x: X): X : never
type Numbers = Branch<{number}>
type Functions = Branch<() -> string>
assert(Numbers:is("a") and Numbers:is(true) and not Numbers:is(1) and Functions:is(print) and not Functions:is(1))
type IsText<X> = X extends string ? "text" : "other"
type Text1 = IsText<"a">
type Both2 = IsText<string | number>
accepts(Text1, "text")
refuses(Text1, "expected", "other")
accepts(Both2, "text", "other")
accepts(Circle)

-- Objects of modules that are not there: any table will do.
type Now = time.Time
accepts(Now, {})
refuses(Now, "expected time.Time, got number", 1)

-- Conditions about conditions: each is worked out once.
local nested = '"a"'
for _ = 1, 40 do nested = "(" .. nested .. ' extends string ? "a" : 1)' end
local Nested = load("type T = " .. nested .. " return T")()
accepts(Nested, "a")
refuses(Nested, 'expected "a"', 1, "b")
