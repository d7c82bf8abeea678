-- Equality and subtypes.
assert(Integer <= Number and not (Number <= Integer))
assert(Integer < Number and not (Number < Number) and Number <= Number)
assert(Integer ~= Number and Number == Number and Number ~= 5 and Number ~= nil)

type A = {x: number, y?: string}
type Same = {y?: string, x: number}
type More = {x: number, y?: string, z: boolean}
type Lit = "a"
type Word = "a" | "b"
type Words = "b" | "a"
type Opt = string?
type List = {integer}
type Numbers = {number}
type Tree = {v: number, kids: {Tree}}
type Tree2 = {v: number, kids: {Tree2}}
type Box<T> = {value: T}
type BS = Box<string>
type Fn = (a: number) -> string
type Wide = (a: number | string) -> "x"

assert(A == Same and not rawequal(A, Same) and A ~= More)
assert(More <= A and More < A and not (A <= More))
assert(Lit <= Word and Lit <= String and Word <= String and Word == Words)
assert(String <= Opt and not (Opt <= String))
assert(List <= Numbers and not (Numbers <= List))
assert(Tree == Tree2 and Tree <= Tree2)
assert(Box(string) == BS and Box(string) == Box(String) and Box(number) ~= BS)
assert(Wide <= Fn and not (Fn <= Wide))
type Pos = number @min(0)
type Pos2 = number @min(0)
assert(Pos <= Number and not (Number <= Pos) and Pos == Pos2 and Pos ~= Number)
interface Named function name(): string end
type HasName = {name: () -> string, age: number}
type Nameless = {age: number}
assert(HasName <= Named and not (Nameless <= Named))

-- One value for each alias and primitive: keys of tables.
local handlers = {[A] = "a", [Same] = "same", [String] = "s"}
assert(handlers[A] == "a" and handlers[Same] == "same" and handlers[String] == "s" and handlers[More] == nil)
collectgarbage()
assert(handlers[A] == "a")
assert(not pcall(function() return A < 1 end) and not pcall(function() return A <= "x" end))

-- Types of one text loaded twice are equal, but not the same.
local one, two = load("type T = {a: string} return T"), load("type T = {a: string} return T")
assert(one() == two() and not rawequal(one(), two()) and rawequal(one(), one()))

-- Equality has no direction, even where a field is written twice.
type Doubled = {a: number, a: number}
type TwoNames = {a: number, b: number}
assert((Doubled == TwoNames) == (TwoNames == Doubled))

type Mixed = {a: number, a: string}
type Mixed2 = {a: string, a: number}
for _, other in ipairs {Doubled, Mixed2, TwoNames} do assert((Mixed == other) == (other == Mixed)) end
assert(Mixed == Mixed and Mixed ~= Doubled)

-- Large types compare as small ones do, in whatever order they are written.
local function large(n, first, step, member, separator, around)
  local list, at = {}, first
  for i = 1, n do list[i] = member:gsub("#", at) at = (at - 1 + step) % n + 1 end
  return load("type T = " .. around:gsub("#", (table.concat(list, separator):gsub("%%", "%%%%"))) .. " return T")()
end
for _, what in ipairs {{"'m#'", " | ", "#"}, {"#", " | ", "#"}, {"#.5", " | ", "(#)?"}, {"f#: number", ", ", "{#}"}} do
  local n = 2000
  local a, b, c = large(n, 1, 1, table.unpack(what)), large(n, 7, 3, table.unpack(what)), large(n - 1, 1, 1, table.unpack(what))
  assert(a == b and b == a and a <= b and b <= a and a ~= c and c ~= a)
  local within = what[2] == " | " and {c, a} or {a, c}
  assert(within[1] <= within[2] and not (within[2] <= within[1]) and within[1] < within[2])
end
type Huge = 9223372036854775807
type Rounded = 9223372036854775808.0
assert(Huge ~= Rounded and not Huge:is(2.0^63) and not Rounded:is(math.maxinteger))

-- Names that mean nothing are equal to nothing in particular, whoever asks.
type Nowhere = Nowhere
type There = Somewhere
type Somewhere = There
type Some = {a: {b: {c: string}}}
assert((Nowhere == Some) == (Some == Nowhere) and (There == Some) == (Some == There) and Nowhere == There)

-- What is limited further is at most a union or optional, though it fits no single member.
type Either = {tag: 0, v: integer} | {tag: 1}
type Limited = Either & Either
type Few = (string | {number}) @max_len(3)
type Maybe = (string?) @min_len(1)
type Loose = string | {number}
assert(Limited <= Limited and Limited <= Either)
assert(Few <= Loose and not (Loose <= Few) and Maybe <= load("type S = string? return S")())
assert(not (Few <= String) and not (Limited <= load("type S = {tag: 0, v: integer} return S")()))
assert(load(string.dump(function() return Limited end))() <= Limited)
