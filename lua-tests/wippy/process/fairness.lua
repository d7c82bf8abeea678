-- flags: --workers 2
-- Endless loops delay nobody for long.
local host, inbox = "app:processes", process.inbox()
for _ = 1, 4 do process.spawn("./_busy.lua", host, "spin") end
local a = process.spawn("./_echo.lua", host)
for i = 1, 20 do
  process.send(a, "echo", i)
  assert(inbox:receive():payload():data() == i)
end
os.exit(0)
