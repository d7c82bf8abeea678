-- A process that reads nothing is flooded: it ends at its memory limit, and another takes its place. How large the program
-- becomes, and how long others wait for their answers meanwhile.
--   wippy run --workers 2 --process-memory-limit 64M benches/wippy/flood.lua [SECONDS]
-- Goal: no more memory than a limit and a tenth above the time before, answers at most twice as late.
local time = require("time")
local HOST = "app:processes"
local seconds = tonumber(arg[1]) or 60

local answers = process.listen("answer")
local other = assert(process.spawn("./fairness/answer.lua", HOST))

local function resident()
  local status = assert(io.open("/proc/self/statm"))
  local _, pages = status:read("n", "n")
  status:close()
  return pages * 4096 / 1e6
end

-- Questions for that long; what they waited, and the most memory seen.
local function ask(duration)
  local took, most, start = {}, 0, time.now()
  repeat
    time.sleep("2ms")
    local asked = time.now()
    process.send(other, "question", #took)
    answers:receive()
    took[#took + 1] = time.now():sub(asked):nanoseconds() / 1e6
    most = math.max(most, resident())
  until time.now():sub(start):seconds() > duration
  table.sort(took)
  local function at(share) return took[math.max(1, math.ceil(share * #took))] end
  return string.format("median %.2f ms, 99th percentile %.2f ms, longest %.2f ms of %d answers, %.1f MB",
    at(0.5), at(0.99), at(1), #took, most)
end

assert(process.spawn("./fairness/loop.lua", HOST))
print("before: " .. ask(math.min(seconds, 10)))
local ended = process.listen("ended")
local sender = assert(process.spawn("./flood/sender.lua", HOST, process.pid()))
print("flood:  " .. ask(seconds))
process.terminate(sender)
local count = 0
while channel.select { ended:case_receive(), default = true }.channel == ended do count = count + 1 end
print(count .. " receivers ended at their limit")
os.exit(0)
