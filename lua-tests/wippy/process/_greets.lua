-- Sends its name and takes one answer; then says that it has it, and ends.
return function(server, name)
  process.send(server, "hello", name)
  local msg = process.inbox():receive()
  process.send(msg:from(), "thanks", name .. " " .. msg:payload():data())
end
