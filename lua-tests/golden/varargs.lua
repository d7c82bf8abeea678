-- oracle: lua5.3
-- Varargs: counts with nils, adjustment, select with negative positions, table.pack and unpack.
local function count(...) return select("#", ...) end
print(count(), count(nil), count(nil, nil), count(1, nil, 3, nil))
local function last(...) return (select(-1, ...)) end
print(last(1, 2, 3), select(-2, "a", "b", "c"))
print(select(2, "a", "b", "c"), (select(2, "a", "b", "c")), select(10, 1, 2))
print(pcall(select, 0, 1), pcall(select, -5, 1), pcall(select, "x", 1))
local function pass(...) return ... end
print(pass(1, nil, 3), (pass(1, 2)), pass())
local function mid(...) local a, b = ... return a, b, ... end
print(mid(1, 2, 3))
local t = table.pack(pass(nil, 2, nil))
print(t.n, t[1], t[2], t[3])
print(table.unpack({ 1, 2, 3 }, 2), table.unpack({ 1, 2 }, 1, 3), table.unpack({}, 1, 0), table.unpack({ 1, 2, 3 }, -1, 1))
local function tbl(...) return { ..., ... } end
print(#tbl(1, 2, 3), #{ pass(1, 2), pass(3, 4) })
print((function(...) return select("#", ...) end)(table.unpack({}, 1, 200)))
local function default(a, ...) a = a or "def" return a, ... end
print(default(), default(nil, 1))
print(pcall(load, "function f() return ... end"))
