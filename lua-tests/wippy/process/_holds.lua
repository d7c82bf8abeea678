-- Holds so many small tables and answers.
return function(parent, size)
  local held, inbox = {}, process.inbox()
  for i = 1, size do held[i] = { i } end
  process.send(parent, "holds", #held)
  while true do
    local message = inbox:receive()
    local some = {}
    for i = 1, 100 do some[i] = { i } end
    process.send(message:from(), "answer", #some)
  end
end
