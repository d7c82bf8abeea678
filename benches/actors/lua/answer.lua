return function()
  local message = process.inbox():receive()
  process.send(message:from(), "done")
end
