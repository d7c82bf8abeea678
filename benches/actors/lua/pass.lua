return function(to)
  local token = process.listen("token")
  while true do process.send(to, "token", token:receive() - 1) end
end
