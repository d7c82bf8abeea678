-- oracle: lua5.3
-- Generic loops: the iterator triple, own iterators, break, modified control variable.
local function range(n) return function(limit, i) if i < limit then return i + 1 end end, n, 0 end
for i in range(3) do io.write(i, " ") end print()
for i, v, extra in (function() local k = 0 return function() k = k + 1 if k < 3 then return k, k * 2 end end end)() do print(i, v, extra) end
for k in pairs({}) do print("never") end
for i, v in ipairs { 1, 2, nil, 4 } do io.write(i, "=", v, " ") end print()
for i, v in ipairs(setmetatable({}, { __index = function(_, i) if i < 4 then return i * i end end })) do io.write(v, " ") end print()
for k in next, { 10 } do print(k) end
for w in ("a b c"):gmatch("%a") do io.write(w, ";") end print()
for i in range(3) do local old = i i = 100 io.write(old, " ") end print()
print(pcall(function() for i in 5 do end end))
print(pcall(function() for i in nil do end end))
print(pcall(function() local t = {} for i in t do end end))
print(pcall(function() for i in pairs(nil) do end end))
print(pcall(function() for i in ipairs() do end end))
for i in setmetatable({}, { __call = function(_, s, c) c = (c or 0) + 1 if c < 4 then return c end end }) do io.write(i, ",") end print()
