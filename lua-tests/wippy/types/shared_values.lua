-- budget: 20s 512MiB
-- Values that are reached along many ways, and values that contain themselves: each part is looked at a few times, not once for
-- every way to it.
local function message(T, v) return (select(2, T:is(v)):message()) end

-- Forty tables that each hold the next one twice: 2^40 ways.
type Pair = {l: Pair?, r: Pair?}
local v = {}
for _ = 1, 40 do v = {l = v, r = v} end
assert(Pair:is(v) == v and Pair(v) == v)
local bad = {l = 5}
for _ = 1, 40 do bad = {l = {}, r = bad, more = bad} end
assert(message(Pair, bad) == ("r."):rep(40) .. "l: expected Pair?, got number")
-- One field of the last table is wrong, and found along the first way.
local last = {}
v = last
for _ = 1, 40 do v = {l = v, r = v} end
last.r = "x"
assert(message(Pair, v) == ("l."):rep(40) .. "r: expected Pair?, got string")

-- Lists and maps.
type List = {List} | {[string]: List}
v = {}
for i = 1, 60 do v = i % 2 == 0 and {v, v, v} or {a = v, b = v} end
assert(List:is(v) == v)
type Strict = {Strict}
v = {}
for _ = 1, 60 do v = {v, v} end
assert(Strict:is(v))
table.insert(v[1], 5)
assert(message(Strict, v) == "[1][3]: expected Strict[], got number", message(Strict, v))

-- Members that differ only deep inside.
type Deep = {a: Deep, b: {string}} | {a: Deep, b: {number}} | {leaf: true}
v = {leaf = true}
for i = 1, 60 do v = {a = v, b = i % 2 == 0 and {"x"} or {1}} end
assert(Deep:is(v) == v)
v = {leaf = false}
for i = 1, 60 do v = {a = v, b = i % 2 == 0 and {"x"} or {1}} end
assert(message(Deep, v):find("^expected {a: Deep, .*, got table$"), message(Deep, v))

-- Values that contain themselves fit no recursive type that goes on with them, but every other.
type A = {a: A, b: {string}} | {a: A, b: {number}}
local loop = {b = {1, 2, 3}}
loop.a = loop
assert(message(A, loop) == "recursion limit exceeded", message(A, loop))
loop.b = {true}
assert(not A:is(loop))
type Open = {a: Open, b: {string}} | {a: Open, b: {number}} | {a: table}
assert(Open:is(loop) == loop)
type Three = {next: Three, v: {string}, w: {Three}} | {next: Three, v: {number}, w: {Three}} | {next: Three, v: {boolean}, w: {Three}}
local ring = {}
for i = 1, 12 do ring[i] = {v = {i}, w = {}} end
for i = 1, 12 do
  ring[i].next = ring[i % 12 + 1]
  for j = 1, 12 do ring[i].w[j] = ring[(i * j) % 12 + 1] end
end
assert(not Three:is(ring[1]))

-- Both at once: a value that is deep, shared and contains itself, under validators and intersections.
type Both = ({x: Both?, y: Both?} & {z: {number} @min_len(1)}) | ({x: Both?, y: Both?} & {z: {string} @max_len(3)})
v = {z = {1}}
for i = 1, 50 do v = {x = v, y = v, z = {i % 3 == 0 and "s" or i}} end
assert(Both:is(v) == v)
v.x.x.x.x.z = {}
assert(Both:is(v) == v, "an empty list has at most three elements")
v.x.x.x.x.z = {true}
assert(not Both:is(v))
v.x.x.x.x.z = {1}
v.x.x.x.y.x.y = v
assert(not Both:is(v))

-- What fits in one place is too deep in another: the outcome goes with the level.
type Node = {near: Node?, far: Node?}
local tail = {}
for _ = 1, 9 do tail = {far = tail, near = tail} end
v = tail
for _ = 1, 54 do v = {near = v, far = v} end
assert(Node:is(v))
assert(message(Node, {near = tail, far = v}):find("^far%.near.*recursion limit exceeded$"))

-- Unions and intersections that lead back to themselves without looking into the value.
type Same = Same | Same | number
assert(Same:is(5) == 5 and select(2, Same:is("x")):message() == "expected Same | Same | number, got string")
type Empty = Empty | Empty
assert(not Empty:is(5) and select(2, Empty:is(nil)) ~= nil)
type P = (P & Q) | (Q & P) | {p: number}
type Q = (Q & P) | P | {q: string @pattern("^a+$")}
assert(P:is {p = 1} and Q:is {q = "aa"} and not P:is {q = "aa"} and not Q:is {q = "b"} and not Q:is("x"))

-- A large value without anything of the kind costs what it did, and a table with many parts is looked at part by part.
local wide = {}
for i = 1, 3000 do wide[i] = {a = {a = {leaf = true}, b = {"x"}}, b = {i}} end
type Wide = {Deep}
assert(Wide:is(wide) == wide)
wide[2999].a.b[1] = true
assert(message(Wide, wide):find("^%[2999%]: expected .*, got table$"))

-- Types that are made of each other many times over.
local function layers(first, count, width, separator, member)
  local parts = {"type T0 = " .. first}
  for level = 1, count do
    local members = {}
    for i = 1, width do members[i] = member:format(level - 1, 10000 - i) end
    parts[#parts + 1] = "type T" .. level .. " = " .. table.concat(members, separator)
  end
  return load(table.concat(parts, "\n") .. "\nreturn T" .. count)()
end
local same = layers("{a: number}", 7, 30, " & ", "T%d")
assert(same:is({a = 1}) and select(2, same:is({a = "x"})):message() == "a: expected number, got string")
local limited = layers("number", 4, 100, " | ", "(T%d @min(%d))")
assert(limited:is(10000) and not limited:is("x") and not limited:is(1))
