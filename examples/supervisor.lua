-- A supervisor: starts its child again when it fails, with growing pauses, and gives up after a number of failures.
-- Pauses are rounds of messages to itself, so that the example needs nothing but processes.
local host, events, inbox = "app:processes", process.events(), process.inbox()
local limit, failures, pause = 5, 0, 1

local function wait(rounds)
  for _ = 1, rounds do
    process.send(process.pid(), "tick")
    inbox:receive()
  end
end

while true do
  local child = assert(process.spawn_monitored("./lib/flaky.lua", host, failures))
  local event = events:receive()
  assert(event.kind == process.event.EXIT and event.from == child)
  if not event.result.error then
    print("finished: " .. event.result.value)
    break
  end
  failures = failures + 1
  print("failure " .. failures .. ": " .. tostring(event.result.error))
  if failures == limit then error("gave up") end
  wait(pause)
  pause = pause * 2
end
