return function(to)
  process.set_options({trap_links = true})
  local events = process.events()
  process.send(to, "ready")
  local e = events:receive()
  assert(e.kind == process.event.LINK_DOWN)
  process.send(to, "down", e.from)
end
