-- The actor programs of benches/compare-actors in Lua: `actors.lua PROGRAM COUNT` prints one figure.
local time = require("time")

local HOST = "app:processes"
local RING = 1000

local function micros(count, run)
  local start = time.now()
  run()
  return time.now():sub(start):nanoseconds() / 1000 / count
end

local function start(worker, ...)
  return assert(process.spawn("./lua/" .. worker .. ".lua", HOST, ...))
end

local function start_many(worker, count)
  local pids = {}
  for i = 1, count do pids[i] = start(worker) end
  return pids
end

-- Takes count messages.
local function await(inbox, count)
  for _ = 1, count do inbox:receive() end
end

-- Bytes of this operating system's process that are in memory.
local function resident()
  collectgarbage()
  local status = assert(io.open("/proc/self/statm"))
  local _, pages = status:read("n", "n")
  status:close()
  return pages * 4096
end

local programs = {}

-- Starts a process that reports and ends, count times.
function programs.spawn(count)
  local done, me = process.listen("done"), process.pid()
  return micros(count, function()
    for _ = 1, count do start("done", me) end
    await(done, count)
  end)
end

-- One message to each of count waiting processes, and its answer.
function programs.reply(count)
  local done, pids = process.listen("done"), start_many("answer", count)
  return micros(count, function()
    for i = 1, count do process.send(pids[i], "ping") end
    await(done, count)
  end)
end

-- Round trips between two processes.
function programs.pingpong(count)
  local pong, other = process.listen("pong"), start("echo", process.pid())
  return micros(count, function()
    for _ = 1, count do
      process.send(other, "ping")
      pong:receive()
    end
  end)
end

-- Hops of one token through a ring, of which main is a member.
function programs.ring(count)
  local token, next_one = process.listen("token"), process.pid()
  for _ = 2, RING do next_one = start("pass", next_one) end
  return micros(count, function()
    process.send(next_one, "token", count)
    repeat
      local n = token:receive()
      if n > 0 then process.send(next_one, "token", n - 1) end
    until n <= 0
  end)
end

-- Values through an unbuffered channel between two coroutines of this process.
function programs.channel(count)
  local values = channel.new()
  coroutine.spawn(function()
    for i = 1, count do values:send(i) end
    values:close()
  end)
  return micros(count, function()
    repeat
      local _, open = values:receive()
    until not open
  end)
end

-- Bytes of a process that waits on its inbox, everything included; afterwards all answer one message.
function programs.memory(count)
  local done = process.listen("done")
  start_many("answer", 1)
  time.sleep("100ms")
  local before = resident()
  local pids = start_many("answer", count)
  time.sleep("200ms")
  local figure = (resident() - before - 16 * count) / count
  for i = 1, count do process.send(pids[i], "ping") end
  await(done, count)
  return figure
end

local program, count = programs[arg[1]], math.tointeger(tonumber(arg[2]))
if not program or not count or count < 1 then
  io.stderr:write("usage: actors.lua spawn|reply|pingpong|ring|channel|memory COUNT\n")
  os.exit(2)
end
print(string.format("%.4f", program(count)))
