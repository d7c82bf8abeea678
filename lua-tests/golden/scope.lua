-- oracle: lua5.3
-- Shadowing, blocks, repeat-until seeing its locals, a local visible only after its statement.
local x = 1
do local x = x + 1 print(x) do local x = x * 10 print(x) end print(x) end
print(x)
local x = x + 100
print(x)
local i = 5
repeat local done = i > 7 i = i + 1 until done
print(i)
local function f(x) local x = x and x + 1 return x end
print(f(1), f())
for x = 1, 2 do local x = x * 2 io.write(x, " ") end print(x)
local function rec(n) return n == 0 and "end" or rec(n - 1) end
print(rec(3))
local nonrec = function(n) return nonrec end
print(nonrec())
x = nil
print(x, _ENV == _G)
do local _ENV = { print = print } y = 5 print(y, x) end
print(y)
local function env(_ENV) return a end
print(env { a = "from env" })
