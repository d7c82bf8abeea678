-- Two processes play ping-pong: requests and replies by PID.
local rounds = tonumber(... or 1000)
local pong = process.spawn("./lib/pong.lua", "app:processes")
local inbox = process.inbox()

for i = 1, rounds do
  process.send(pong, "ping", i)
  local reply = inbox:receive()
  assert(reply:topic() == "pong" and reply:payload():data() == i)
end
print(rounds .. " rounds")
