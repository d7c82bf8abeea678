-- oracle: lua5.3
-- budget: 10s 512MiB
-- Weak tables changed and collected while they are traversed; next after clearing.
for _, mode in ipairs { "k", "v", "kv" } do
local t = setmetatable({}, { __mode = mode })
local keep = {} for i = 1, 1000 do local k, v = { i }, { i } t[k] = v if i % 3 == 0 then keep[k] = v end end
local n = 0 for k, v in pairs(t) do n = n + 1 if n % 100 == 0 then
collectgarbage() end if n % 7 == 0 then t[k] = nil end end
collectgarbage() n = 0 for _ in pairs(t) do n = n + 1 end
assert(n <= 334) end
local t = {} for i = 1, 1000 do t[i] = i t["k" .. i] = i end
local n = 0 for k in pairs(t) do t[k] = nil n = n + 1 collectgarbage("step") end
assert(n == 2000 and next(t) == nil) t = {} for i = 1, 100 do t[i] = i end
local k = next(t) t[k] = nil
assert(next(t, k) ~= nil) for i = 1, 100 do t[i] = nil end
assert(next(t) == nil)
local e = setmetatable({}, { __mode = "k" }) for i = 1, 2000 do local a, b = {}, {} e[a] = b e[b] = a end
collectgarbage()
assert(next(e) == nil)
assert(not pcall(next, {}, {}))
print("ok")
