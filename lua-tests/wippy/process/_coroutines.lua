return function(how)
  local ch = channel.new()
  if how == "error" then
    coroutine.spawn(function() ch:receive() error("in a coroutine") end)
    ch:send(1)
    process.inbox():receive()
  elseif how == "main" then
    coroutine.spawn(function() ch:receive() error("never") end)
    return "done"
  else
    channel.select{}
  end
end
