-- Ends when another process has ended.
return function(pid)
  local events = process.events()
  if process.monitor(pid) then events:receive() end
end
