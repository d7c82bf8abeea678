-- oracle: lua5.3
-- Each iteration has its own variable; closures of one activation share theirs.
local fs = {}
for i = 1, 3 do fs[i] = function() i = i + 10 return i end end
print(fs[1](), fs[1](), fs[2](), fs[3]())
local k = 0
while k < 3 do k = k + 1 local j = k fs[k] = function(v) if v then j = v end return j end end
fs[1](100)
print(fs[1](), fs[2](), fs[3]())
local function pair() local n = 0 return function() n = n + 1 return n end, function() return n end end
local inc, get = pair()
inc() inc()
print(get())
local function deep() local a = 1 return function() return function() a = a + 1 return a end end end
local d = deep()
print(d()(), d()())
for i = 1, 2 do
  local x = i
  fs[i] = function() return function() x = x + 1 return x end end
end
local g = fs[1]()
print(g(), g(), fs[2]()())
local function loop() local t = {} for i = 1, 3 do local v t[i] = function() v = (v or i) + 1 return v end if i == 2 then break end end return t end
local t = loop()
print(t[1](), t[1](), t[2](), t[3])
