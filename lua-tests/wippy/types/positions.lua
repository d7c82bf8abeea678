-- Checks in every position of a program: however many results are wanted, wherever the name is found, whatever the keys are.
type P = {x: number, tag?: string}
type Wide = {a: string, b: integer, c: boolean, d: {string}, e?: {[string]: number}, f: string?, g: "on" | 3, h: number @min(1)}
type List = {P}
local p = {x = 1}

-- Numbers of results.
local function both(v) return P:is(v) end
local function one(v) return (P:is(v)) end
assert(select("#", both(p)) == 2 and select("#", both(5)) == 2 and select("#", one(p)) == 1)
assert(select("#", P:is(p)) == 2 and select("#", (P:is(p))) == 1 and select("#", 1, P:is(p)) == 3)
assert(select("#", P.is(p)) == 2 and select("#", P(p)) == 1)
local t = {P:is(p)}
assert(t[1] == p and t[2] == nil)
t = {P(p), P(p), P:is(p), nil}
assert(t[1] == p and t[2] == p and t[3] == p)
local a, b, c = P:is(p)
assert(a == p and b == nil and c == nil)
a, b, c = 0, P:is(p)
assert(a == 0 and b == p and c == nil)
P:is(p)
P:is("no")
P(p)
assert(#{n = P:is(p), P:is(p)} == 1)
local function call(...) return P(...) end
assert(call(p) == p and not pcall(call, p, p) and not pcall(call))
local function is(...) return P.is(...) end
assert(is(p) == p and select("#", is()) == 2 and is(p, 1, 2) == p and is(P, p) == p)
assert(select(2, pcall(P.is, p)) == p and select(2, pcall(P, p)) == p)
assert(coroutine.wrap(P.is)(p) == p)

-- As an iterator, in a condition, as a metamethod.
local rounds = 0
for v in P.is, p do
  rounds = rounds + 1
  if rounds == 3 then break end
end
assert(rounds == 0 or rounds == 3)
if not P:is(p) or P:is({}) then error("condition") end
assert(setmetatable({}, {__index = P.is}).x == nil)
assert(setmetatable({}, {__call = P.is})(p) == nil)

-- With a hook.
local calls = 0
debug.sethook(function() calls = calls + 1 end, "c")
local v, err = P:is(p)
local w = P(p)
debug.sethook()
assert(v == p and err == nil and w == p and calls >= 2)

-- Keys made at run time, keys beside others, absent and required fields.
local function key(s) return (s:gsub(".", "%0")) end
local made = {}
for k, val in pairs {a = "s", b = 2, c = false, d = {"x"}, f = "y", g = 3, h = 1} do made[key(k)] = val end
assert(Wide:is(made) == made)
for i = 1, 100 do made["filler" .. i], made[i] = i, i end
assert(Wide:is(made) == made)
for _, case in ipairs {
  {"a", 1, "a: expected string, got number"}, {"a", nil, "a: required field missing"},
  {"b", 2.5, "b: expected integer, got number"}, {"c", nil, "c: required field missing"},
  {"d", {"x", 5}, "d[2]: expected string, got number"}, {"e", {k = "v"}, "e[k]: expected number, got string"},
  {"f", 1, "f: expected string?, got number"}, {"g", "off", 'g: expected "on" | 3, got string'},
  {"h", 0, "h: value below minimum"},
} do
  local name, wrong, message = case[1], case[2], case[3]
  local kept = made[name]
  made[name] = wrong
  assert(tostring(select(2, Wide:is(made))) == message, message)
  made[name] = kept
  assert(Wide:is(made) == made)
end
assert(Wide:is({a = "s", b = 2.0, c = true, d = {}, e = {}, g = "on", h = 1.5}))

-- No metamethods; what a table shows by `__index` is not there.
assert(not P:is(setmetatable({}, {__index = function() return 1 end})))
assert(P:is(setmetatable({x = 1}, {__index = function() error("asked") end, __len = error})))
assert(List:is(setmetatable({{x = 1}}, {__len = function() return 5 end, __index = error})))

-- Arrays with holes, beyond the array part, and with other keys.
assert(List:is({p, nil, p}) and List:is({p, n = 5, [100] = 5}) and not List:is({p, 5}))
local hashed = {}
for i = 5, 1, -1 do hashed[i] = p end
assert(List:is(hashed))
hashed[3] = {x = "s"}
assert(tostring(select(2, List:is(hashed))) == "[3].x: expected number, got string")

-- A name is a type unless something else has it.
local function named() return Named end
type Named = string
assert(type(named()) == "type" and Named("s") == "s")
Named = 5
assert(named() == 5)
Named = nil
assert(type(named()) == "type")
setmetatable(_G, {__index = function(_, k) if k == "Named" then return 6 end end})
assert(type(named()) == "type")
setmetatable(_G, {__index = {Named = 7}})
assert(named() == 7)
setmetatable(_G, nil)
assert(type(named()) == "type")
do
  local _ENV = {Named = 8}
  if Named ~= 8 then _ENV = nil end
end
