-- A pipeline: each stage is a process that passes its results on to the next; nil ends it.
local host, inbox = "app:processes", process.inbox()
local last = process.pid()
for _, stage in ipairs{"upper", "trim", "number"} do
  -- Built from the end: every stage is told who follows.
  last = process.spawn("./lib/stage.lua", host, stage, last)
end
for line in ("  one \n two  \n  three "):gmatch("[^\n]+") do process.send(last, "line", line) end
process.send(last, "line")
while true do
  local payload = inbox:receive():payload()
  if not payload then break end
  print(payload:data())
end
