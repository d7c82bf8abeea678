-- flags: --sim 7
-- Sleeping and timers: what happens in which order, never how long it took.
local time = require("time")

-- sleep: others run meanwhile, deadlines decide
local order = {}
local done = channel.new()
for i, d in ipairs({"30ms", 10 * time.MILLISECOND, time.parse_duration("20ms")}) do
  coroutine.spawn(function()
    assert(select("#", time.sleep(d)) == 0)
    order[#order + 1] = i
    done:send(i)
  end)
end
for _ = 1, 3 do done:receive() end
assert(table.concat(order, " ") == "2 3 1", table.concat(order, " "))
local before = time.now()
time.sleep("5ms")
assert(time.now():sub(before):milliseconds() >= 4)
assert(select("#", time.sleep(0)) == 0 and select("#", time.sleep("-1h")) == 0)
local nothing, err = time.sleep("1d")
assert(nothing == nil and err:kind() == "Invalid")
assert(pcall(time.sleep, 1) and not pcall(time.now().add, time.now()))
local ok, value = pcall(function() time.sleep("1ms") return 1 end)
assert(ok and value == 1)
table.sort({3, 1, 2}, function(a, b) time.sleep("1ms") return a < b end)

-- after: one value, then closed; unread ones hold nobody up
local t, more = time.after("10ms"):receive()
assert(more == true and t:location():string() == "Local")
local ch = time.after("1ms")
time.sleep("5ms")
assert(type(ch:receive()) == "userdata")
local v, open = ch:receive()
assert(v == nil and open == false)
for _, wrong in ipairs({"0s", 0, -1, "-1s", "x", {}, true}) do
  for _, f in ipairs({time.after, time.timer, time.ticker}) do
    local value, err = f(wrong)
    assert(value == nil and err:kind() == "Invalid" and err:retryable() == false, tostring(wrong))
  end
end
assert(select("#", time.after()) == 2)
for _ = 1, 100 do time.after("1h") end

-- the earlier of two
local short, long = time.after("5ms"), time.after("50ms")
local result = channel.select({long:case_receive(), short:case_receive()})
assert(result.channel == short and result.ok)

-- timers
local timer = time.timer("1h")
assert(timer:response() == timer:channel() and timer:stop() == true and timer:stop() == false)
v, open = timer:response():receive()
assert(v == nil and open == false and timer:reset("1ms") == false)
timer = time.timer("1h")
assert(timer:reset("5ms") == true)
local result = channel.select({timer:response():case_receive(), time.after("10s"):case_receive()})
assert(result.channel == timer:response() and type(result.value) == "userdata")
assert(timer:reset("5ms") == false and timer:stop() == false)
timer = time.timer("1ms")
time.sleep("10ms")
assert(timer:stop() == false and type(timer:response():receive()) == "userdata")
timer = time.timer("1ms")
while not timer:reset("20ms") do timer = time.timer("1ms") end
local first = time.after("5ms")
result = channel.select({timer:response():case_receive(), first:case_receive()})
assert(result.channel == first, "a fire of the earlier arming")
for _, wrong in ipairs({"0s", -1, "x", {}}) do assert(not pcall(timer.reset, timer, wrong)) end
assert(not pcall(timer.reset, timer) and not pcall(timer.stop) and not pcall(timer.stop, time.now()))

-- whoever waits is woken when the timer is stopped
local woken = channel.new(1)
timer = time.timer("1h")
coroutine.spawn(function() woken:send({timer:response():receive()}) end)
coroutine.yield()
timer:stop()
assert(woken:receive()[2] == false)

-- tickers
local ticker = time.ticker("1ms")
local last
for _ = 1, 3 do
  local tick = ticker:response():receive()
  assert(not last or not tick:before(last))
  last = tick
end
time.sleep("100ms")
assert(ticker:stop() == true and ticker:stop() == true)
local held = 0
while ticker:channel():receive() do held = held + 1 end
assert(held > 0 and held <= 16, held)
assert(not pcall(function() return ticker.reset(ticker, 1) end))

-- forgotten ones go
for _ = 1, 50 do time.ticker("1ms") end
collectgarbage()
time.sleep("5ms")
collectgarbage()
print("done")
