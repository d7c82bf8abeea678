-- Monitors a process and passes its result on.
return function(pid, to)
  local events = process.events()
  assert(process.monitor(pid))
  process.send(to, "watching")
  process.send(to, "result", events:receive().result.value)
end
