-- oracle: lua5.3
local co = coroutine.create(function(...) local n = select("#", ...) while true do n = select("#", coroutine.yield(n)) end end) assert(select(2, coroutine.resume(co)) == 0 and select(2, coroutine.resume(co, nil, nil)) == 2 and select(2, coroutine.resume(co, table.unpack({}, 1, 100))) == 100)
