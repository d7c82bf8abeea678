-- Wants one piece of memory, or as much as compiling takes.
return function(parent, what, size)
  local piece
  if what == "text" then
    piece = ("x"):rep(size)
  else
    piece = assert(load(("x = 1\n"):rep(size // 100)))
  end
  process.send(parent, "has", what)
  process.inbox():receive()
  return piece
end
