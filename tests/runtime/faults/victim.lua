-- Does one operation again and again. It may be ended at any moment.
local HOST, TIMES = "app:processes", 3
local time = require("time")
local operations = {}

-- The chunk itself can be interrupted, too.
for _ = 1, 5 do end

local function ask(echo, value)
  process.send(echo, "ask", value)
  return process.inbox():receive():payload():data()
end

function operations.send(echo)
  for i = 1, 5 do process.send(echo, "nothing", i) end
end

function operations.large(echo)
  local list = {}
  for i = 1, 200 do list[i] = {i, ("x"):rep(300)} end
  ask(echo, list)
end

function operations.spawn() assert(process.spawn("echo", HOST)) end

function operations.spawn_monitored()
  local pid = assert(process.spawn_monitored("echo", HOST))
  process.send(pid, "return", 1)
  assert(process.events():receive().result.value == 1)
end

function operations.spawn_linked() assert(process.spawn_linked("linked", HOST)) end

function operations.spawn_linked_monitored()
  local pid = assert(process.spawn_linked_monitored("linked", HOST))
  process.send(pid, "return")
  process.events():receive()
end

function operations.builder()
  local builder = process.with_context({key = "value"}):with_name("name"):with_message("nothing", 1)
  local pid = assert(builder:spawn_linked("linked", HOST))
  assert(builder:spawn("linked", HOST) == pid)
end

function operations.failing_start()
  local pid, err = process.spawn_linked_monitored("fails", HOST)
  assert(not pid and err:message():find("at once", 1, true))
end

function operations.exec(echo)
  assert(process.exec("victim", HOST, "once", echo) == "once")
end

function operations.cancel(echo) process.cancel(echo, "reason") end

function operations.terminate(echo)
  process.terminate(echo)
end

function operations.terminate_self()
  process.terminate(process.pid())
  while true do end
end

function operations.monitor(echo)
  assert(process.monitor(echo))
  assert(process.unmonitor(echo))
end

function operations.link()
  local pid = assert(process.spawn("echo", HOST))
  assert(process.link(pid) and process.unlink(pid) and process.link(pid))
end

function operations.inbox(echo) assert(ask(echo, 1) == 1) end

function operations.listen(echo)
  process.send(echo, "ask", 1)
  assert(process.listen("echo"):receive() == 1)
end

function operations.unlisten(echo)
  local answers = process.listen("echo")
  coroutine.spawn(function() answers:receive() end)
  process.send(echo, "ask", 1)
  process.send(echo, "ask", 2)
  assert(process.unlisten(answers))
  process.inbox():receive()
end

function operations.events(echo)
  local events = process.events()
  process.cancel(process.pid(), "own")
  assert(events:receive().reason == "own")
end

function operations.channel_send()
  local ch = channel.new()
  coroutine.spawn(function() for _ = 1, 3 do ch:receive() end end)
  for i = 1, 3 do ch:send(i) end
end

function operations.channel_receive()
  local ch = channel.new(1)
  coroutine.spawn(function() for i = 1, 3 do ch:send(i) end end)
  for i = 1, 3 do assert(ch:receive() == i) end
end

function operations.close()
  local ch, done = channel.new(), channel.new(1)
  coroutine.spawn(function() ch:receive() done:send(1) end)
  ch:close()
  done:receive()
end

function operations.select(echo)
  local a, b = channel.new(), channel.new()
  coroutine.spawn(function() time.sleep("1us") b:send(1) end)
  process.send(echo, "ask", 1)
  for _ = 1, 2 do
    channel.select{a:case_receive(), b:case_receive(), process.inbox():case_receive(), a:case_send(1)}
  end
end

function operations.sleep() time.sleep("5us") end

function operations.after() time.after("5us"):receive() end

function operations.timer()
  local timer = time.timer("1h")
  timer:reset("5us")
  timer:channel():receive()
  time.timer("1h")
  time.timer("1h"):stop()
end

function operations.ticker()
  local ticker = time.ticker("5us")
  ticker:channel():receive()
  ticker:channel():receive()
end

function operations.names(echo)
  for _, name in ipairs{"a", "b", "c"} do process.registry.register(name) end
  process.registry.register("echo", echo)
  process.registry.unregister("b")
  process.registry.unregister("echo")
  process.send("a", "ask", 1)
  process.inbox():receive()
end

function operations.upgrade(echo, times)
  process.send(process.pid(), "kept", times)
  if times > 1 then process.upgrade("victim", "upgrade", echo, times - 1) end
end

operations["yield"] = function() for _ = 1, 5 do coroutine.yield() end end

function operations.spawned_coroutine(echo)
  local done = channel.new()
  for i = 1, 3 do
    coroutine.spawn(function() time.sleep(i * time.MICROSECOND) done:send(i) end)
  end
  for _ = 1, 3 do done:receive() end
end

function operations.manual_coroutine(echo)
  local outer = coroutine.wrap(function()
    local inner = coroutine.wrap(function() coroutine.yield(ask(echo, 1)) return ask(echo, 2) end)
    coroutine.yield(inner())
    return inner()
  end)
  assert(outer() == 1 and outer() == 2)
end

function operations.comparator(echo)
  table.sort({3, 1, 2}, function(a, b) return ask(echo, a) < b end)
end

function operations.callback(echo)
  assert(("abc"):gsub(".", function(c) return ask(echo, c:upper()) end) == "ABC")
end

function operations.metamethod(echo)
  local meta = {
    __index = function(_, k) return ask(echo, k) end,
    __add = function(_, n) return ask(echo, n) end,
    __eq = function() return ask(echo, true) end,
    __concat = function() return ask(echo, "joined") end,
  }
  local a, b = setmetatable({}, meta), setmetatable({}, meta)
  assert(a.x == "x" and a + 1 == 1 and a == b and a .. b == "joined")
end

function operations.iterator(echo)
  local function step(_, i)
    i = ask(echo, i + 1)
    return i < 4 and i or nil
  end
  for i in step, nil, 0 do assert(pcall(ask, echo, i)) end
end

return function(operation, echo, times)
  if operation == "once" then return operation end
  process.registry.register("victim")
  if operation == "chunk" then return end
  for i = tonumber(times or TIMES), 1, -1 do operations[operation](echo, i) end
end
