-- An actor of the soak: does what it is ordered to, and ends when whoever started it has ended.
local time = require("time")
local HOST, ACTOR = "app:processes", "./actor.lua"

-- Numbers from what the actor was told.
local state = 0
local function random(n)
  state = state * 6364136223846793005 + 1442695040888963407
  return (state >> 33) % n + 1
end

local orders = {}

function orders.nothing() end

function orders.work(n, _, root)
  local sum = 0
  for i = 1, n * 20 do sum = sum + i % 7 end
  process.send(root, "report", sum)
end

function orders.loop() while true do end end

function orders.eat()
  local all = {}
  while true do all[#all + 1] = {} end
end

function orders.overflow()
  local function f() return 1 + f() end
  f()
end

function orders.fail(n) error(n % 2 == 0 and "ordered" or {n}) end

orders["return"] = function() return true end

function orders.strings(n, to)
  -- Long strings are shared by all who get them.
  local text = ("s"):rep(n * 10)
  if to then process.send(to, "strings", text, {text, text}) end
end

function orders.spawn(n, _, root)
  process.spawn_monitored(ACTOR, HOST, n, process.pid())
end

function orders.spawn_linked(n)
  process.spawn_linked(ACTOR, HOST, n, process.pid())
end

function orders.exec(n)
  -- Asked for once, it returns at once.
  process.exec(ACTOR, HOST, n, nil, "once")
end

function orders.sleep(n) time.sleep(n * time.MICROSECOND) end

function orders.timers(n)
  for i = 1, 5 do
    local timer = time.timer(i * n * time.MICROSECOND)
    if i % 2 == 0 then timer:stop() end
  end
  time.after(n * time.MICROSECOND):receive()
end

function orders.ticker(n)
  local ticker = time.ticker((n + 1) * time.MICROSECOND)
  ticker:channel():receive()
  if n % 2 == 0 then ticker:stop() end
end

function orders.register(n)
  process.registry.register("n" .. n % 20)
  if n % 3 == 0 then process.registry.unregister("n" .. n % 20) end
end

function orders.upgrade(n, _, root) process.upgrade(nil, n, root) end

function orders.link(_, to) if to then process.link(to) end end

function orders.monitor(_, to) if to then process.monitor(to) end end

function orders.listen(n)
  local ch = process.listen("flood")
  channel.select{ch:case_receive(), default = true}
  if n % 2 == 0 then process.unlisten(ch) end
end

function orders.coroutines(n)
  local ch = channel.new(n % 3)
  coroutine.spawn(function()
    for i = 1, 10 do ch:send(i) end
    ch:close()
  end)
  coroutine.spawn(function() channel.new():receive() end)
  repeat local _, open = ch:receive() until not open
end

function orders.collect() collectgarbage() end

-- Sleeps for ever, unless it is ended.
function orders.wait() channel.new():receive() end

return function(seed, root, once)
  if once then return seed end
  state = seed * 7919 + tonumber(process.pid():match("0x(%x+)"), 16)
  -- Some go down with those they are linked to, some hear of it.
  if random(2) == 1 then process.set_options({trap_links = true}) end
  local inbox, events = process.inbox(), process.events()
  if not process.monitor(root) then return end
  while true do
    local r = channel.select{inbox:case_receive(), events:case_receive()}
    if r.channel == events then
      if r.value.from == root and r.value.kind == process.event.EXIT then return end
    elseif r.value:topic() == "order" then
      local payload, words = r.value:payload(), {}
      for i, p in ipairs(type(payload) == "table" and payload or {payload}) do words[i] = p:data() end
      if orders[words[1]](words[2] or 1, words[3], root) then return words[2] end
    end
  end
end
