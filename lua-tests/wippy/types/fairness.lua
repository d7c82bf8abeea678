-- flags: --sim 1
-- budget: 30s 1024MiB
-- Validating huge values stalls no other process.
local size = 1000000
local host, inbox = "app:processes", process.inbox()
local echo = process.spawn("./_echo.lua", host)
for _, what in ipairs {"list", "text"} do
  process.spawn("./_validates.lua", host, process.pid(), what, size)
  assert(inbox:receive():topic() == "begins")
  local answers, done = 0, false
  process.send(echo, "echo", 1)
  while not done do
    local msg = inbox:receive()
    if msg:topic() == "echo" then
      answers = answers + 1
      process.send(echo, "echo", answers)
    else
      done = msg:topic() == "fits"
    end
  end
  assert(answers >= 10, what .. ": " .. answers .. " answers meanwhile")
  assert(inbox:receive():topic() == "echo")
end
process.send(echo, "stop")
