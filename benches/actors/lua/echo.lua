return function(to)
  local ping = process.listen("ping")
  while true do
    ping:receive()
    process.send(to, "pong")
  end
end
