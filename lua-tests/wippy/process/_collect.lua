-- Collects n numbers and sends them back in one message.
return function(to, n)
  local inbox, all = process.inbox(), {}
  for i = 1, n do all[i] = inbox:receive():payload():data() end
  process.send(to, "all", all)
end
