-- flags: --sim 2
-- What is sent arrives, in order, on the channel that the rules say.
local host = "app:processes"

-- Messages sent right after the spawn wait for a receiver that comes late.
local pid = process.spawn("./_collect.lua", host, process.pid(), 5)
for i = 1, 5 do assert(process.send(pid, "n", i)) end
local got = process.inbox():receive():payload():data()
assert(#got == 5)
for i = 1, 5 do assert(got[i] == i) end

-- A listener takes its topic, the inbox the rest.
local a, inbox = process.listen("a"), process.inbox()
assert(a == process.listen("a") and inbox == process.inbox() and process.events() == process.events())
assert(a ~= inbox and a ~= process.listen("other"))
local me = process.pid()
for _, m in ipairs{{"a", 1}, {"b", 2}, {"a", 3}} do assert(process.send(me, m[1], m[2])) end
assert(a:receive() == 1 and a:receive() == 3)
local msg = inbox:receive()
assert(msg:topic() == "b" and msg:payload():data() == 2 and msg:from() == me)
assert(tostring(msg) == "process.Message{topic=b}")
assert(tostring(msg:payload()) == "payload{format=lua/any}")
assert(msg:payload():get_format() == "lua/any" and msg:payload():unmarshal() == 2)
assert(msg:payload():transcode("lua/any"):data() == 2)
local none, err = msg:payload():transcode("json/plain")
assert(none == nil and err:kind() == "Internal")

-- A topic without listener waits for one that comes later.
local function later()
  process.send(me, "x", "early")
  return process.listen("x"):receive()
end
-- The inbox is open here, so the message could go there; the choice is made at delivery.
assert(later() == "early")

-- Raw values, nothing, several.
local raw = process.listen("raw")
process.send(me, "raw", {k = 1})
local v = raw:receive()
assert(type(v) == "table" and v.k == 1 and v.from == nil and v.topic == nil and v.payload == nil)
process.send(me, "raw")
local v, ok = raw:receive()
assert(v == nil and ok == true)
process.send(me, "raw", 1, nil, 3)
local v = raw:receive()
assert(v[1] == 1 and v[2] == nil and v[3] == 3)
-- The same topic as messages, from now on.
assert(process.listen("raw", {message = true}) == raw)
process.send(me, "raw", 1, 2)
local msg = raw:receive()
assert(msg:topic() == "raw" and #msg:payload() == 2 and msg:payload()[2]:data() == 2)
process.listen("raw")
process.send(me, "raw")
assert(raw:receive():payload() == nil)

-- A waiting message makes a case ready.
local r = channel.select{inbox:case_receive(), default = true}
assert(r.default == true)
process.send(me, "now", 1)
local r = channel.select{inbox:case_receive(), default = true}
assert(r.channel == inbox and r.ok and r.value:topic() == "now")

-- The empty topic and "inbox" are topics like others.
process.send(me, "", 1)
assert(inbox:receive():topic() == "")
process.send(me, "inbox", 1)
assert(inbox:receive():topic() == "inbox")

-- The end of a subscription.
local u = process.listen("u")
assert(process.unlisten(u) == true)
local v, ok = u:receive()
assert(v == nil and ok == false)
local ok, err = process.unlisten(u)
assert(ok == false and err:kind() == "NotFound")
process.send(me, "u", 1)
assert(inbox:receive():topic() == "u")
assert(process.listen("u") ~= u)
assert(not pcall(process.unlisten, 1))

-- Messages of a subscription that ends reach whoever waits for the inbox.
local back, seen = process.listen("back"), channel.new()
for i = 1, 2 do process.send(me, "back", i) end
coroutine.spawn(function() seen:send(inbox:receive():payload():data()) end)
process.listen("this takes the mail in")
assert(process.unlisten(back))
assert(seen:receive() == 2)

-- Who takes one message in takes in those of others, too.
local other, both = process.listen("for the other"), channel.new()
coroutine.spawn(function() other:receive() both:send(other:receive()) end)
for i = 1, 2 do process.send(me, "for the other", i) end
process.send(me, "for the inbox")
assert(inbox:receive():topic() == "for the inbox")
assert(both:receive() == 2)

-- Closing the channel ends the subscription with the next message, which is lost.
local c = process.listen("c")
c:close()
process.send(me, "c", 1)
process.send(me, "c", 2)
assert(inbox:receive():payload():data() == 2)

-- Refusals.
local ok, err = process.send(me)
assert(ok == nil and err:kind() == "Invalid" and err:message() == "send requires at least destination and topic arguments")
local ok, err = process.send(me, "@x", 1)
assert(ok == nil and err:kind() == "Invalid" and string.find(err, "cannot send to @ topics", 1, true))
local ok, err = process.send("nobody", "t")
assert(ok == nil and err:kind() == "NotFound" and err:message() == "could not resolve 'nobody' as PID or registered name")
local ok, err = process.send("{app:processes|0xfffff}", "t")
assert(ok == nil and err:kind() == "NotFound" and string.find(err, "process not found", 1, true))
local ok, err = process.send("{app:nowhere|0x00001}", "t")
assert(ok == nil and err:kind() == "NotFound" and string.find(err, "host not found", 1, true))
local ok, err = process.send("{other@app:processes|0x00001}", "t")
assert(ok == nil and err:kind() == "NotFound" and string.find(err, "node not found", 1, true))
assert(not pcall(process.send, nil, "t"))
assert(not pcall(process.send, nil))
assert(not pcall(process.send, me, {}))
for _, topic in ipairs{"@x", ""} do
  local ch, err = process.listen(topic)
  assert(ch == nil and err:kind() == "Invalid")
end
