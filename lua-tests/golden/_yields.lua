-- oracle: lua5.3
-- Loaded by coroutine_yield_across.
return "from file", coroutine.yield and 1
