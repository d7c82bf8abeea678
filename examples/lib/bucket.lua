-- Gives out tokens; tells the owner once when there are none left.
return function(tokens)
  local inbox, waiting, owner, told = process.inbox(), {}, nil, false
  while true do
    local msg = inbox:receive()
    if msg:topic() == "fill" then
      tokens, told = tokens + msg:payload():data(), false
    else
      table.insert(waiting, msg:from())
      owner = msg:payload():data()
    end
    while tokens > 0 and #waiting > 0 do
      tokens = tokens - 1
      process.send(table.remove(waiting, 1), "go")
    end
    if #waiting > 0 and not told then
      process.send(owner, "empty")
      told = true
    end
  end
end
