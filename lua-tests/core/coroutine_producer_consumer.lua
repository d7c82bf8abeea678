-- oracle: lua5.3
local function producer() return coroutine.create(function() for i = 1, 5 do coroutine.yield("item" .. i) end return nil end) end local p, got = producer(), {} while true do local ok, v = coroutine.resume(p) assert(ok) if not v then break end got[#got + 1] = v end assert(#got == 5 and coroutine.status(p) == "dead")
