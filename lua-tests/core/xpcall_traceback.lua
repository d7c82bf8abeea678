-- oracle: lua5.3
local ok, tb = xpcall(function() local x = nil; return x.field end, debug.traceback) assert(not ok and tb:find("attempt to index a nil value %(local 'x'%)") and tb:find("stack traceback:\n")) local ok2, r = xpcall(function(a, b) return a + b end, print, 3, 4) assert(ok2 and r == 7)
