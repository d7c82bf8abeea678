-- flags: --sim 3
-- Answers go to whoever sent the message, in whatever order messages and answers come, and also while others get some.
local host, me = "app:processes", process.pid()
local hello, thanks = process.listen("hello", { message = true }), process.listen("thanks")

local names, count = {}, 6
for i = 1, count do names[process.spawn("./_greets.lua", host, me, "n" .. i)] = "n" .. i end

-- All messages first: each PID is known by its process only.
local waiting = {}
for i = 1, count do
  local msg = hello:receive()
  assert(names[msg:from()] == msg:payload():data())
  waiting[i] = msg
end

-- Answers from the last to the first, with a message to somebody else before each, and the PID asked for out of turn.
for i = count, 1, -1 do
  assert(process.send(me, "aside", i))
  local other = waiting[i > 1 and i - 1 or count]:from()
  local to = waiting[i]:from()
  assert(other ~= to and process.send(to, "answer", i))
end
local heard = {}
for _ = 1, count do heard[#heard + 1] = thanks:receive() end
table.sort(heard)
local expected = {}
for i, msg in ipairs(waiting) do expected[#expected + 1] = names[msg:from()] .. " " .. i end
table.sort(expected)
assert(table.concat(heard, ",") == table.concat(expected, ","))
local aside = process.listen("aside")
for i = count, 1, -1 do assert(aside:receive() == i) end

-- They have ended: the same PIDs, known or not, are refused alike, with a plain value as with a table.
local time = require("time")
time.sleep("1s")
for i, msg in ipairs(waiting) do
  local from = msg:from()
  for _, value in ipairs { 1, "text", {} } do
    local sent, err = process.send(from, "late", value)
    assert(not sent and tostring(err):find("process not found", 1, true), tostring(err))
  end
  assert(process.send(me, "alive", i))
end
