-- oracle: lua5.3
local function risky(n) if n == 0 then error("bottom", 0) end local ok, e = pcall(risky, n - 1) assert(not ok) error(e .. "<" .. n, 0) end local ok, e = pcall(risky, 20) assert(not ok and e:find("^bottom<1<2") and e:find("<20$")) assert(select("#", pcall(function() return 1, nil, nil end)) == 4)
