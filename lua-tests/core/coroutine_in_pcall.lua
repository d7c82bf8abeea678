-- oracle: lua5.3
local co = coroutine.wrap(function() local ok, v = pcall(function() local x = coroutine.yield(1) error({ x }) end) assert(not ok) return v[1] end) assert(co() == 1 and co("sent") == "sent") local w = coroutine.wrap(function() return select(2, xpcall(function() coroutine.yield() error("e", 0) end, function(m) return m .. "!" end)) end) w() assert(w() == "e!")
