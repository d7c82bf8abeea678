-- oracle: none
-- budget: 10s 1024MiB
-- Recursion that adds an argument per level: quadratic in memory, so it ends by whichever limit comes first.
local function g(...) return (g(1, ...)) end
for _ = 1, 2 do
  local ok, e = pcall(g)
  assert(not ok and (tostring(e):find("overflow") or tostring(e):find("memory")), tostring(e))
end
print("ok")
