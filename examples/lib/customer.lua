-- Waits for a token, then does its work.
return function(limiter, to, number)
  process.send(limiter, "want", to)
  process.listen("go"):receive()
  process.send(to, "served", number)
end
