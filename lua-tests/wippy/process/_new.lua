return function(to, state)
  local inbox = process.inbox()
  local kept = inbox:receive():payload():data()
  process.send(to, "seen", {pid = process.pid(), id = process.id(), state = state, kept = kept,
    trap = process.get_options().trap_links, global = leftover})
  inbox:receive()
  error("as asked")
end
