-- Words of the type syntax stay names; aliases are values where a global could be seen.
do
  local type = 1
  local as, is, fun = 2, 3, 4
  assert(type + as + is + fun == 10)
end

type P = {x: number}
assert(type(P) == "type" and type(3) == "number" and type(nil) == "nil")
assert(tostring(P) == "P")

-- Visible above its statement, in nested functions, hidden by locals.
local function early() return Late end
assert(type(early()) == "type" and early() == Late)
type Late = string
do
  local P = 5
  assert(P == 5)
  local function inner() return P end
  assert(inner() == 5)
end
assert(type((function() return P end)()) == "type")

-- Only top-level aliases are values.
do
  type Inner = number
  assert(Inner == nil)
end

-- Not visible in other chunks; a global of that name wins.
assert(load("return P")() == nil)
local held = load("type Taken = string; return Taken", "=c", "t", {Taken = 7})
assert(held() == 7)
local inherited = load("type Taken = string; return Taken", "=c", "t", setmetatable({}, {__index = {Taken = 8}}))
assert(inherited() == 8)
-- Handlers are not asked, so strict globals get along with types.
local strict = setmetatable({}, {__index = function(_, k) error("undefined " .. k) end})
assert(type(load("type T = string; return T", "=c", "t", strict)()) == "type")
-- Assigning makes a global, as ever.
local env = {}
load("type T = string; T = 5", "=c", "t", env)()
assert(env.T == 5)
-- Members cannot be assigned, and are not: the name is the type there too, unless a global has it.
local function refused(source)
  local ok, message = pcall(load(source, "=c"))
  return not ok and message:find("attempt to modify type T", 1, true)
end
assert(refused("type T = {x: number}; T.x = 1") and refused("type T = {x: number}; T.is = print"))
assert(refused("type T = {x: number}; function T.make() end") and refused("type T = {x: number}; T['y'], x = 1, 2"))
env = {}
load("type T = {x: number}; T = {}; T.x = 1; function T.make() return T.x end", "=c", "t", env)()
assert(env.T.x == 1 and env.T.make() == 1)

-- The same value each time, in all functions of the chunk.
assert(rawequal(P, P) and rawequal(P, (function() return P end)()))
local handlers = {[P] = "p", [Late] = "l"}
assert(handlers[P] == "p" and handlers[Late] == "l")

-- Things that look like types but are not in the chunk are plain globals.
assert(load("return String2, User")() == nil)

-- The later of two statements of one name counts.
type Twice = number
type Twice = string
assert(Twice:kind() == "string")
do
  type Twice = boolean
  local x: Twice = true
end
assert(Twice:kind() == "string")

-- Statements that have no effect when run, in every position.
local n = 0
for i = 1, 3 do
  type Loop = {i: number}
  interface Shape function area(s: Self): number end
  n = n + i
end
assert(n == 6)
interface Shape
  function area(): number
  function name(): string
end
assert(type(Shape) == "type" and Shape:is({}) and not Shape:is(3) and Shape:kind() == "unknown")

-- Everything that must parse.
type Id = string @min_len(3)
type Mode = "r" | "w" | 2 | true
type Job = { id: Id, mode?: Mode, tags?: readonly {string}, meta: {[string]: any}?, }
type Tree<T> = { value: T, kids: {Tree<T>} }
type Handler = (job: Job, ...any) -> (boolean, string?)
type Inbox = Channel<process.Message>
type Box<T> = { value: T }
local w
local v: Box<Box<number>> = w
local tight: Box<number>= {value = 1}
local tighter: Box<Box<number>>= {value = tight}
assert(Box(Box(Number))(tighter).value.value >= 1 and tight.value >= 1)
local f: ((a: T) -> (A, B))? = nil
local hook: (() -> ())? = nil
local xs: {number @min(0)} @max_len(9) = {1, 2}
local function pick<T: {id: string}>(list: {T}, ...: string): (T?, error?) end
local fn = function<K, V>(m: {[K]: V}): {V} return {} end
assert(#xs == 2 and #fn({}) == 0 and pick({}) == nil and hook == nil and f == nil and v == nil)

-- Labels and casts in one function.
local function labels(x)
  goto done
  x = nil
  ::done::
  return x :: string
end
assert(labels("a") == "a")

-- Annotations change nothing.
local function takes(n: number) return n end
assert(takes("5") == "5" and takes() == nil)
local n2: number @min(10) = 1
assert(n2 == 1)
local raw = {}
type Rec = {id: any}
local got = ({id = raw} as Rec)
assert(got.id == raw)
local function cast(t) return (t as Rec) end
assert(rawequal(cast(raw), raw) and (got!).id == raw)
