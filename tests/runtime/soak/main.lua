-- The soak: starts actors, gives them random orders, ends some of them, counts what the living owe each other, and ends all.
--   main.lua SEED ROUNDS OPERATIONS [SECONDS]
-- Each round starts with nobody alive but the main process and ends so. With SECONDS, rounds go on until that time is over.
local time = require("time")
local HOST, ACTOR = "app:processes", "./actor.lua"
local PATIENCE = "60s"
-- Which step ends somebody.
local KILL = 7
local seed, rounds, operations, seconds = table.unpack(arg)
seed, rounds, operations = math.tointeger(seed), math.tointeger(rounds), math.tointeger(operations)
seconds = tonumber(seconds)

-- Numbers that depend on nothing but the seed.
local state = seed * 2 + 1
local function random(n)
  state = state * 6364136223846793005 + 1442695040888963407
  return (state >> 33) % n + 1
end

process.set_options({trap_links = true})
local events, reports = process.events(), process.listen("report")
local inbox = process.inbox()
local alive, list, died = {}, {}, {}
local links, monitored, names = {}, {}, 0
local totals = {spawned = 0, exits = 0, downs = 0, answers = 0}

local function pick() return list[random(#list)] end

local function add(pid, linked)
  alive[pid], monitored[pid], links[pid] = true, true, linked or nil
  list[#list + 1] = pid
  totals.spawned = totals.spawned + 1
end

local function remove(pid)
  alive[pid] = nil
  for i = 1, #list do
    if list[i] == pid then
      list[i] = list[#list]
      list[#list] = nil
      return
    end
  end
end

-- Every monitored process tells its end once; a link that broke is told once, after it.
local function take_event(e)
  if e.kind == process.event.EXIT then
    assert(monitored[e.from], "an end told twice or of a stranger")
    monitored[e.from] = nil
    totals.exits = totals.exits + 1
    died[e.from] = e.result.error and e.result.error:message() or "normal"
    if not (links[e.from] and e.result.error) then links[e.from] = nil end
    remove(e.from)
    local ok, err = process.send(e.from, "late")
    assert(not ok and err:kind() == "NotFound")
  elseif e.kind == process.event.LINK_DOWN then
    assert(links[e.from], "a broken link told twice or of a stranger")
    links[e.from] = nil
    totals.downs = totals.downs + 1
    assert(died[e.from] or not monitored[e.from], "a broken link was told before the end")
  else
    error("unexpected event " .. e.kind)
  end
end

local function drain()
  while true do
    local r = channel.select{events:case_receive(), reports:case_receive(), inbox:case_receive(), default = true}
    if r.default then return end
    if r.channel == events then take_event(r.value) else totals.answers = totals.answers + 1 end
  end
end

local function spawn()
  local how = random(4)
  local builder = process.with_context({depth = how})
  if how == 1 then
    names = names + 1
    -- A name that somebody may have: then the holder gets the message and nobody new is there.
    local pid = assert(builder:with_name("n" .. random(20)):with_message("order", "nothing"):spawn(ACTOR, HOST, seed, process.pid()))
    if not alive[pid] and process.monitor(pid) then add(pid) end
  elseif how == 2 then
    add(assert(process.spawn_linked_monitored(ACTOR, HOST, seed, process.pid())), true)
  else
    add(assert(process.spawn_monitored(ACTOR, HOST, seed, process.pid())))
  end
end

local orders = {
  "work", "spawn", "spawn_linked", "exec", "sleep", "timers", "ticker", "register", "upgrade", "fail", "return", "listen",
  "coroutines", "collect", "wait", "nothing", "strings", "loop", "eat", "overflow",
}

local steps = {
  function() spawn() end,
  function() for _ = 1, 3 do spawn() end end,
  function() process.send(pick(), "order", orders[random(#orders)], random(1000), pick()) end,
  function() process.send(pick(), "order", orders[random(#orders)], random(1000), pick()) end,
  function() process.send(pick(), "order", "link", 0, pick()) end,
  function() process.send(pick(), "order", "monitor", 0, pick()) end,
  function() process.terminate(pick()) end,
  function() process.cancel(pick(), "reason") end,
  function() process.send("n" .. random(20), "order", "work", 10, pick()) end,
  function()
    -- A flood, in which every message is counted by its receiver or lost with it.
    local pid, text = pick(), ("x"):rep(random(600))
    for i = 1, random(50) do process.send(pid, "flood", i, text) end
  end,
  function()
    local pid = pick()
    if process.link(pid) then links[pid] = true end
  end,
  function()
    local pid = pick()
    -- Its end may have come first: then it is told.
    if not links[pid] or died[pid] then return end
    process.unlink(pid)
    drain()
    links[pid] = nil
  end,
  function() drain() end,
  function() time.sleep(random(20) * 100 * time.MICROSECOND) drain() end,
}

local function round()
  for _ = 1, 8 do spawn() end
  for _ = 1, operations do
    if #list < 3 then spawn() end
    steps[#list > 60 and KILL or random(#steps)]()
  end
  -- The end: some are asked, the others are ended, until nobody is left.
  drain()
  for _, pid in ipairs({table.unpack(list)}) do
    if random(2) == 1 then process.send(pid, "order", "return") end
  end
  drain()
  for _, pid in ipairs({table.unpack(list)}) do process.terminate(pid) end
  while next(monitored) or next(links) do
    local r = channel.select{events:case_receive(), time.after(PATIENCE):case_receive()}
    assert(r.channel == events, "an end was not told")
    take_event(r.value)
  end
  -- What they started ends when it finds its starter gone.
  time.sleep("1ms")
  drain()
  assert(#list == 0)
  died = {}
end

local start, done = time.now(), 0
repeat
  round()
  done = done + 1
  if seconds and done % 100 == 0 then
    collectgarbage()
    local statm = io.open("/proc/self/statm")
    local _, pages = 0, 0
    if statm then
      _, pages = statm:read("n", "n")
      statm:close()
    end
    io.stderr:write(string.format("%.0f s: round %d, %d processes, %d ends, %d broken links, %d answers, resident %.1f MB\n",
      time.now():sub(start):seconds(), done, totals.spawned, totals.exits, totals.downs, totals.answers, pages / 256))
  end
until seconds and time.now():sub(start):seconds() >= seconds or not seconds and done >= rounds
print(done, totals.spawned, totals.exits, totals.downs, totals.answers)
