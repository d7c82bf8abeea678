-- Answers every message, until it is told to return.
return function()
  local inbox = process.inbox()
  while true do
    local message = inbox:receive()
    local payload = message:payload()
    if message:topic() == "return" then return payload and payload:data() end
    if message:from() ~= "" then process.send(message:from(), "echo", payload and payload:data()) end
  end
end
