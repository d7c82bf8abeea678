-- flags: --sim 13 --memory-limit 8M
-- stress: 100
-- stress-flags: --sim 13 --memory-limit 1M
-- The memory of a program as a whole: the largest process gives in, the others and the program go on.
local host, events = "app:processes", process.events()
local size = math.tointeger(tonumber((...))) or 1000
local holds, answers, caught = process.listen("holds"), process.listen("answer"), process.listen("caught")

local function start(count, size)
  local all = {}
  for i = 1, count do all[i] = assert(process.spawn_monitored("./_holds.lua", host, process.pid(), size)) end
  return all
end

-- Ends them, and gives the number of those that had ended for want of memory.
local function stop(all)
  local refused = 0
  for _, pid in ipairs(all) do process.terminate(pid) end
  for _ = 1, #all do
    local e = events:receive()
    local text = tostring(e.result.error)
    assert(e.kind == process.event.EXIT and (text == "not enough memory" or text == "process terminated"), text)
    if text == "not enough memory" then refused = refused + 1 end
  end
  return refused
end

local function all_answer(all, rounds)
  for _ = 1, rounds do
    for _, pid in ipairs(all) do assert(process.send(pid, "question")) end
    for _ = 1, #all do assert(answers:receive() == 100) end
  end
end

-- Beside a process that catches the error and gives its memory back all others go on, and so does it.
local small = start(10, size // 20)
for _ = 1, #small do holds:receive() end
local hog = assert(process.spawn_monitored("./_hog.lua", host, process.pid(), "gives"))
assert(caught:receive() == "not enough memory")
all_answer(small, 20)
assert(process.send(hog, "enough"))
local e = events:receive()
assert(e.from == hog and e.result.error == nil)

-- One that catches the error and keeps its memory ends when others need some.
local hog = assert(process.spawn_monitored("./_hog.lua", host, process.pid(), "keeps"))
assert(caught:receive() == "not enough memory")
local more, ended, answered = {}, nil, 0
while not ended do
  assert(#more < 100)
  more[#more + 1] = assert(process.spawn_monitored("./_holds.lua", host, process.pid(), size))
  local e = channel.select { events:case_receive(), holds:case_receive() }
  if e.channel == events then ended = e.value else answered = answered + 1 end
end
assert(ended.from == hog and tostring(ended.result.error) == "not enough memory")
all_answer(more, 2)
all_answer(small, 2)
assert(stop(more) == 0 and stop(small) == 0)

local function forget(topic)
  while channel.select { topic:case_receive(), default = true }.channel == topic do end
end
forget(holds)
forget(caught)

-- One that rests with all that there was ends when another wants some, and that one gets it, although it is much at once.
local has = process.listen("has")
for _, what in ipairs { "text", "code" } do
  local hog = assert(process.spawn_monitored("./_hog.lua", host, process.pid(), "rests"))
  assert(caught:receive() == "not enough memory")
  local wants = assert(process.spawn_monitored("./_wants.lua", host, process.pid(), what, 1000 * size))
  assert(has:receive() == what)
  local e = events:receive()
  assert(e.from == hog and tostring(e.result.error) == "not enough memory")
  assert(stop { wants } == 0)
end

-- None of many takes much, all of them too much: some end, the others and the program go on. Again and again.
for _ = 1, 3 do
  local many = start(40, 4 * size)
  local there, gone = 0, 0
  while there + gone < #many do
    local e = channel.select { events:case_receive(), holds:case_receive() }
    if e.channel == holds then
      there = there + 1
    else
      assert(tostring(e.value.result.error) == "not enough memory")
      gone = gone + 1
    end
  end
  local refused = gone
  for _, pid in ipairs(many) do process.terminate(pid) end
  for _ = 1, #many - gone do
    local text = tostring(events:receive().result.error)
    assert(text == "not enough memory" or text == "process terminated", text)
    if text == "not enough memory" then refused = refused + 1 end
  end
  assert(refused > 0 and refused < #many - 5)
end

-- A process that does not read its letters ends, whoever is to blame.
local deaf = assert(process.spawn_monitored("./_never_reads.lua", host))
local letter, sent = ("x"):rep(size), 0
while process.send(deaf, "flood", letter .. sent) do
  sent = sent + 1
  assert(sent < 100000)
end
local e = events:receive()
assert(e.from == deaf and e.result.error:message() == "not enough memory" and sent > 100)
forget(holds)
assert(process.spawn("./_holds.lua", host, process.pid(), size))
assert(holds:receive() == size)

-- The main process only gets the error; others go on when it has given its memory back.
local held = {}
local ok, e = pcall(function() while true do held[#held + 1] = { #held } end end)
assert(not ok and e == "not enough memory" and #held > size)
held = nil
assert(process.spawn("./_holds.lua", host, process.pid(), size))
assert(holds:receive() == size)

-- It goes on where another one would end: it waits with most of the memory, and who asks for more is refused in its place.
held = {}
for i = 1, 50 * size do held[i] = { i } end
local hog = assert(process.spawn_monitored("./_hog.lua", host, process.pid(), "gives"))
assert(caught:receive() == "not enough memory")
assert(process.send(hog, "enough"))
local e = events:receive()
assert(e.from == hog and e.result.error == nil and #held == 50 * size)
