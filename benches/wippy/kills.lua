-- How long it takes until the end of a terminated process is heard of, on two workers: an endless loop, a native function at
-- work, a sleeper; each of them beside an endless loop on every worker.
--   wippy run --workers 2 benches/wippy/kills.lua [KILLS]
-- Goal: 20 ms at the 99th percentile.
local time = require("time")
local HOST = "app:processes"
local kills = math.tointeger(tonumber(arg[1]) or 200)

local events = process.events()
for _ = 1, 2 do assert(process.spawn("./fairness/loop.lua", HOST)) end
for _, kind in ipairs { "fairness/loop", "kills/native", "kills/sleeper" } do
  local took = {}
  for i = 1, kills do
    local victim = assert(process.spawn_monitored("./" .. kind .. ".lua", HOST))
    -- It is at work by then.
    time.sleep("3ms")
    local start = time.now()
    assert(process.terminate(victim))
    local event = events:receive()
    took[i] = time.now():sub(start):nanoseconds() / 1e6
    assert(event.kind == process.event.EXIT and event.from == victim)
  end
  table.sort(took)
  local function at(share) return took[math.max(1, math.ceil(share * #took))] end
  print(string.format("%-14s %d kills: median %.2f ms, 99th percentile %.2f ms, longest %.2f ms",
    kind, kills, at(0.5), at(0.99), at(1)))
end
os.exit(0)
