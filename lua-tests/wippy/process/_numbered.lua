-- Sends numbered messages to some processes by turns and checks those that others send.
return function()
  local main, to, from, each = table.unpack((process.listen("peers"):receive()))
  local inbox, stop, seen, count = process.inbox(), process.listen("stop"), {}, 0
  for i = 1, #from do seen[from[i]] = 0 end
  local function take(message)
    local sender, n = message:from(), message:payload():data()
    if n ~= seen[sender] + 1 then error(string.format("%s: %d after %d", sender, n, seen[sender]), 0) end
    seen[sender], count = n, count + 1
  end
  for n = 1, each do
    for i = 1, #to do
      assert(process.send(to[i], "n", n))
      -- What is there already is taken in between.
      local r = channel.select{inbox:case_receive(), default = true}
      if not r.default then take(r.value) end
    end
  end
  while count < #from * each do take((inbox:receive())) end
  process.send(main, "done", count)
  -- By the time of the stop, one too many would have arrived.
  stop:receive()
  assert(channel.select{inbox:case_receive(), default = true}.default, "a message too many")
  return count
end
