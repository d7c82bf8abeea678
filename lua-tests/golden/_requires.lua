-- oracle: lua5.3
-- Loaded by coroutine_yield_across and require_package.
return { loaded = ... }
