-- flags: --process-memory-limit 64M --workers 2
-- stress: small
-- stress-flags: --process-memory-limit 400K --workers 2
-- budget: 60s 1024MiB
-- Who goes wrong dies alone: the others go on, and are told what it was.
local host, events, inbox = "app:processes", process.events(), process.inbox()
local neighbour = assert(process.spawn("./_echo.lua", host))
local asked = 0
local function neighbour_answers()
  asked = asked + 1
  assert(process.send(neighbour, "echo", asked))
  assert(inbox:receive():payload():data() == asked)
end

-- By themselves: with the error that they did not catch.
for how, message in pairs{
  memory = "not enough memory", strings = "not enough memory", metamethods = "",
  -- A stack that is deep enough to be refused does not fit into little memory.
  stack = ... == "small" and "not enough memory" or "stack overflow",
  flood = "not enough memory", coroutines = "not enough memory", timers = "not enough memory",
} do
  local pid = assert(process.spawn_monitored("./_alone.lua", host, how))
  neighbour_answers()
  local e = events:receive()
  assert(e.from == pid and e.result.value == nil, how)
  assert(tostring(e.result.error):find(message, 1, true), how .. ": " .. tostring(e.result.error))
  neighbour_answers()
end

-- What runs for ever is ended by others, whatever it is at.
for _, how in ipairs{"pattern", "function", "sort", "iterator", "gsub", "caught"} do
  local pid = assert(process.spawn_monitored("./_alone.lua", host, how))
  for _ = 1, 3 do neighbour_answers() end
  assert(channel.select{events:case_receive(), default = true}.default, how .. " has ended")
  assert(process.terminate(pid))
  local e = events:receive()
  assert(e.from == pid and e.result.error:message() == "process terminated", how)
  neighbour_answers()
end
