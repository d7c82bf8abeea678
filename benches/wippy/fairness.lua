-- How long a process waits for its turn beside endless loops: questions to it and its answers, on two workers.
--   wippy run --workers 2 benches/wippy/fairness.lua [LOOPS [QUESTIONS]]
-- Goal: with four loops, 50 ms at the 99th percentile.
local time = require("time")
local HOST = "app:processes"
local loops, questions = math.tointeger(tonumber(arg[1]) or 4), math.tointeger(tonumber(arg[2]) or 1000)

local answers = process.listen("answer")
for _ = 1, loops do assert(process.spawn("./fairness/loop.lua", HOST)) end
local other = assert(process.spawn("./fairness/answer.lua", HOST))
local took = {}
for i = 1, questions do
  -- Everybody has come to rest but the loops, so that each question has to queue.
  time.sleep("2ms")
  local start = time.now()
  process.send(other, "question", i)
  assert(answers:receive() == i)
  took[i] = time.now():sub(start):nanoseconds() / 1e6
end
table.sort(took)
local function at(share) return took[math.max(1, math.ceil(share * #took))] end
print(string.format("%d loops, %d questions: median %.2f ms, 99th percentile %.2f ms, longest %.2f ms",
  loops, questions, at(0.5), at(0.99), at(1)))
os.exit(0)
