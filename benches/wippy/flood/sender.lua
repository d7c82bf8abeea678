-- Sends to a process that reads nothing, for ever, and tells of each end.
return function(to)
  local events, text = process.events(), string.rep("x", 200)
  while true do
    local deaf = assert(process.spawn_monitored("./flood/deaf.lua", "app:processes"))
    repeat until not process.send(deaf, "mail", text, { 1, 2, 3 })
    local event = events:receive()
    process.send(to, "ended", tostring(event.result.error))
  end
end
