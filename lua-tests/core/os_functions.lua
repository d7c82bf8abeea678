-- oracle: lua5.3
assert(type(os.time()) == "number" and os.time { year = 2000, month = 1, day = 1, hour = 12 } < os.time() and os.date("!%Y-%m-%d", 0) == "1970-01-01" and os.getenv("NO_SUCH_VARIABLE_HERE") == nil and os.clock() >= 0 and os.difftime(5, 3) == 2.0) local t = os.date("*t", 86400 * 365) assert(t.year >= 1970 and t.isdst ~= nil)
