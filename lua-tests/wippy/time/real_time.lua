-- The same on the clock of the machine.
local time = require("time")
local before = time.now()
time.sleep("5ms")
assert(time.now():sub(before):nanoseconds() > 0)
local done = channel.new()
coroutine.spawn(function() time.sleep("1ms") done:send(1) end)
assert(done:receive() == 1)
assert(type(time.after("1ms"):receive()) == "userdata")
local ticker = time.ticker("1ms")
for _ = 1, 3 do assert(type(ticker:response():receive()) == "userdata") end
ticker:stop()
