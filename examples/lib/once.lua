-- Answers one message.
return function()
  local msg = process.inbox():receive()
  process.send(msg:from(), "answer", msg:payload():data())
end
