-- A rate limiter: a process that owns a bucket of tokens. Who wants to do something asks it; who comes when the bucket is
-- empty waits until somebody fills it.
local host, me, inbox = "app:processes", process.pid(), process.inbox()
local limiter = process.spawn("./lib/bucket.lua", host, 3)
for i = 1, 7 do process.spawn("./lib/customer.lua", host, limiter, me, i) end

local served = 0
while served < 7 do
  local msg = inbox:receive()
  if msg:topic() == "served" then
    served = served + 1
  else
    -- The bucket is empty: the next round.
    print("fill")
    process.send(limiter, "fill", 3)
  end
end
print(served .. " served")
