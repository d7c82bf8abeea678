return function()
  process.spawn_linked("./_return.lua", "app:processes", "error", "boom")
  process.inbox():receive()
end
