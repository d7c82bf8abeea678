-- oracle: lua5.3
collectgarbage() local base = collectgarbage("count") for i = 1, 200000 do local t = { i, tostring(i), function() return i end } end collectgarbage() assert(collectgarbage("count") < base + 1000)
