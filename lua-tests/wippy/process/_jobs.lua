return function(to)
  local inbox = process.inbox()
  while true do
    local msg = inbox:receive()
    if msg:topic() == "stop" then return end
    process.send(to, "job", {n = msg:payload():data().n, from = msg:from()})
  end
end
