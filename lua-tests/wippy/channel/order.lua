-- Who is served when, and who runs next.
local log
local function say(x) log[#log + 1] = x end
local function said(text) assert(table.concat(log, " ") == text, table.concat(log, " ")) log = {} end
log = {}

-- a started coroutine runs up to its first wait before spawn returns
coroutine.spawn(function() say("child") end) say("parent")
said("child parent")

-- blocked senders are served in order, after what is buffered
local ch = channel.new(1)
ch:send("buffered")
for _, name in ipairs{"A", "B", "C"} do coroutine.spawn(function() ch:send(name) say(name) end) end
for _, name in ipairs{"buffered", "A", "B", "C"} do assert(ch:receive() == name) end
said("")
coroutine.yield()
said("A B C")

-- blocked receivers are served in order
ch = channel.new()
for _, name in ipairs{"X", "Y"} do coroutine.spawn(function() say(name .. ch:receive()) end) end
ch:send(1) ch:send(2)
said("")
coroutine.yield()
said("X1 Y2")

-- whoever does not have to wait goes on; the other one is queued
ch = channel.new()
coroutine.spawn(function() say("got " .. ch:receive()) end)
coroutine.spawn(function() say("runnable") coroutine.yield() say("runs") end)
ch:send("v") say("sent")
coroutine.yield()
said("runnable sent runs got v")
coroutine.spawn(function() ch:send("v") say("sender") end)
say("received " .. ch:receive())
coroutine.yield()
said("received v sender")

-- those that were runnable run before a new one
coroutine.spawn(function() coroutine.yield() say("first") end)
coroutine.spawn(function() say("second") end)
say("third")
said("first second third")

-- no switch where none is needed
ch = channel.new(2)
coroutine.spawn(function() coroutine.yield() say("other") end)
ch:send(1) ch:send(2) ch:receive() channel.select{ch:case_receive()} channel.select{ch:case_receive(), default = true}
say("main")
coroutine.yield()
said("main other")

-- close lets the woken run, and those before them
ch = channel.new()
for i = 1, 2 do coroutine.spawn(function() ch:receive() say("woken" .. i) end) end
coroutine.spawn(function() coroutine.yield() say("runnable") end)
ch:close() say("closed")
said("runnable woken1 woken2 closed")

-- five workers, 100 jobs, each once
local jobs, done, workers = channel.new(3), {}, channel.new(5)
for w = 1, 5 do
  coroutine.spawn(function()
    for job in jobs.receive, jobs do
      done[job] = (done[job] or 0) + 1
      if job % 7 == 0 then coroutine.yield() end
    end
    workers:send(w)
  end)
end
for i = 1, 100 do jobs:send(i) end
jobs:close()
for _ = 1, 5 do workers:receive() end
for i = 1, 100 do assert(done[i] == 1, i) end

-- a pipeline keeps the order
local function stage(from, f)
  local to = channel.new()
  coroutine.spawn(function()
    for v in from.receive, from do to:send(f(v)) end
    to:close()
  end)
  return to
end
local source = channel.new()
coroutine.spawn(function() for i = 1, 50 do source:send(i) end source:close() end)
local out = stage(stage(source, function(v) return v * 2 end), function(v) return v + 1 end)
local next_value = 3
for v in out.receive, out do assert(v == next_value) next_value = v + 2 end
assert(next_value == 103)
