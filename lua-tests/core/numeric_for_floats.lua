-- oracle: lua5.3
local n = 0 for x = 0, 1, 0.1 do n = n + 1 end assert(n == 11 or n == 10) n = 0 for x = 1, 0, -0.25 do n = n + 1 end assert(n == 5) for i = 1, 3 do assert(math.type(i) == "integer") end for i = 1.0, 3 do assert(math.type(i) == "float") end for i = 1, 3.9 do assert(math.type(i) == "integer") end for i = math.huge, 1 do error("never") end for i = 3, 1 do error("never") end

-- The first value has been one step before, as the manual says: it is rounded, and there is none with an infinite step.
for i = 0.1, 10, 3 do assert(i == 0.1 - 3 + 3 and i ~= 0.1) break end
for _, step in ipairs { 1 / 0, -1 / 0, 0 / 0 } do
  for _ = 0, 0, step do error("not reached") end
  for _ = 1.5, step, step do error("not reached") end
end

-- A limit that is no number is below every integer.
local function count(first, limit, step) local n = 0 for _ = first, limit, step do n = n + 1 if n == 3 then break end end return n end
assert(count(0, 0 / 0, 1) == 0 and count(0, 0 / 0, -1) == 3 and count(0.0, 0 / 0, -1) == 0)
