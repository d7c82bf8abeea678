-- Asks its boss for work, for ever.
return function(boss)
  local jobs = process.listen("job")
  while true do
    process.send(boss, "ready")
    local n = jobs:receive()
    local result = 0
    for i = 1, n * 100 do result = result + i % n end
    process.send(boss, "result", result)
  end
end
