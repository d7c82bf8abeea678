-- budget: 30s 1024MiB
-- Numbered messages between many processes on real threads: nothing is lost, doubled or reordered for any pair.
-- numbered.lua [MESSAGES [PROCESSES]]: more than the test takes.
local host, done, events = "app:processes", process.listen("done"), process.events()
local messages, processes = math.tointeger(tonumber(arg[1]) or 20000), math.tointeger(tonumber(arg[2]) or 100)
-- Everybody sends to the ten behind.
local near = math.min(10, processes)
local each = messages // (processes * near)
local pids = {}
local function gather(total)
  local sum = 0
  while sum < total do
    local r = channel.select{done:case_receive(), events:case_receive()}
    if r.channel == events then error(r.value.result.error or "ended too early") end
    sum = sum + r.value
  end
  return sum
end
for i = 1, processes do pids[i] = assert(process.spawn_monitored("./_numbered.lua", host)) end
for i = 1, processes do
  local to, from = {}, {}
  for k = 1, near do
    to[k] = pids[(i + k - 1) % processes + 1]
    from[k] = pids[(i - k - 1) % processes + 1]
  end
  assert(process.send(pids[i], "peers", process.pid(), to, from, each))
end
local sum = gather(processes * near * each)
assert(sum == processes * near * each)
for i = 1, processes do process.send(pids[i], "stop") end
for _ = 1, processes do
  local e = events:receive()
  assert(e.result.error == nil and e.result.value == near * each, tostring(e.result.error))
end
if arg[1] then print(sum .. " messages through " .. processes .. " processes: each arrived once, in order") end
