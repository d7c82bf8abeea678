-- oracle: lua5.3
local co = coroutine.wrap(function() local v = 0 local function inc() v = v + 1 return v end coroutine.yield(inc) return v end) local inc = co() inc() assert(inc() == 2 and co() == 2 and inc() == 3)
