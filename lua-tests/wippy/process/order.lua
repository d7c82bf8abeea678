-- flags: --sim 15
-- Messages of each sender arrive once and in order, before its end is told.
local host, inbox, events = "app:processes", process.inbox(), process.events()
local senders, each, seen = 20, 100, {}
for _ = 1, senders do seen[process.spawn_monitored("./_counts.lua", host, process.pid(), each)] = 0 end
for _ = 1, senders * each do
  local msg = inbox:receive()
  local from, n = msg:from(), msg:payload():data()
  assert(n == seen[from] + 1)
  seen[from] = n
end
for _ = 1, senders do assert(seen[events:receive().from] == each) end
local r = channel.select{inbox:case_receive(), events:case_receive(), default = true}
assert(r.default)
