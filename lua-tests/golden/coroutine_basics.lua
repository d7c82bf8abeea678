-- oracle: lua5.3
-- create, resume, yield, status, results and errors.
local co = coroutine.create(function(a, b) print("start", a, b) local c = coroutine.yield(a + b) print("got", c) local d, e = coroutine.yield(c * 2) print("got", d, e) return "end", d end)
print(coroutine.status(co), coroutine.resume(co, 1, 2)) print(coroutine.status(co), coroutine.resume(co, 10)) print(coroutine.resume(co, "x", "y")) print(coroutine.status(co), coroutine.resume(co))
print(coroutine.resume(coroutine.create(function() error("msg") end))) print(coroutine.resume(coroutine.create(function() error({}) end)) == false) print(coroutine.resume(coroutine.create(function() return end)))
print(coroutine.isyieldable(), coroutine.wrap(function() return coroutine.isyieldable() end)()) local main, ismain = coroutine.running() print(type(main), ismain)
coroutine.wrap(function() local c, m = coroutine.running() print(type(c), m, coroutine.status(c), coroutine.status(main)) end)()
print(pcall(coroutine.yield, 1)) print(coroutine.resume(main)) print(pcall(coroutine.status, 1)) print(pcall(coroutine.resume)) print(pcall(coroutine.create)) print(pcall(coroutine.wrap, 1))
co = coroutine.create(function() return coroutine.resume(co) end) print(coroutine.resume(co))
local outer outer = coroutine.create(function() local inner = coroutine.create(function() print(coroutine.status(outer), coroutine.resume(outer)) end) coroutine.resume(inner) print(coroutine.status(inner)) end) coroutine.resume(outer)
print(select("#", coroutine.resume(coroutine.create(function() coroutine.yield(nil, nil) end)))) print(coroutine.resume(coroutine.create(print), 1, 2))
