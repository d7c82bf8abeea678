-- oracle: lua5.3
-- and/or give operands, evaluate lazily, and mix with comparisons.
local calls = 0
local function v(x) calls = calls + 1 return x end
print(v(nil) and v(1), v(false) and v(1), v(1) and v(2), v(nil) or v(false), v(false) or v(nil), v(1) or v(2))
print(calls)
print(nil == false, not 0, not nil, not not "x", 1 and nil, false == false and "eq", 1 < 2 and 2 < 3, nil and nil or nil)
local t = { a = false }
print(t.a or "default", t.b == nil and "missing", (t.a and 1) == false)
local x = 5
print(x > 3 and "big" or "small", x > 10 and "big" or "small", (x > 3 and nil) or "fallback")
local function m(...) return ... end
print(m(1, 2) and m(3, 4), (m(1, 2) or m(3, 4)), m(nil, 2) or m(3, 4))
local a = x and x + 1 or x - 1 print(a)
if not (x == 5 and a == 6 or a == 7) then print("bad") else print("good") end
