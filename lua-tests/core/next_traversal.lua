-- oracle: lua5.3
local t = {} for i = 1, 50 do t[i] = i t["s" .. i] = i t[i + 0.5] = i end local n = 0 for k, v in pairs(t) do n = n + v t[k] = nil end assert(n == 3 * 1275 and next(t) == nil) assert(not pcall(next, t, "absent") or true)
