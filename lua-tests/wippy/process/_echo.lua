-- Answers every message with what it was sent, until it is told to stop.
return function()
  local inbox = process.inbox()
  while true do
    local msg = inbox:receive()
    local payload = msg:payload()
    if msg:topic() == "stop" then return payload and payload:data() end
    if msg:topic() == "fail" then error(payload:data(), 0) end
    local data
    if type(payload) == "table" then
      data = {}
      for i, p in ipairs(payload) do data[i] = p:data() end
    else
      data = payload and payload:data()
    end
    process.send(msg:from(), "echo", data)
  end
end
