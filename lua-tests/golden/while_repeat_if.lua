-- oracle: lua5.3
-- Loops and conditions with every falsy and truthy value.
for _, v in ipairs { 0, "", 0.0, {}, print, true } do if v then io.write("T ") else io.write("F ") end end
if nil then print("no") elseif false then print("no") elseif 0 then print("zero is true") else print("no") end
local n = 0
while n < 10 do n = n + 1 if n == 5 then break end end print(n)
repeat n = n - 1 until n <= 0 print(n)
while true do if n > 3 then break end n = n + 1 while true do break end end print(n)
local function f(x) if x == 1 then return "one" elseif x == 2 then return "two" end return "many" end
print(f(1), f(2), f(3))
do local a = 1; ; ; local b = 2 print(a + b) end
local r = {} for i = 1, 10 do if i % 2 == 1 then r[#r + 1] = i end end print(table.concat(r, ","))
repeat local x = n n = n + 1 until x >= 6 print(n)
