return function(to)
  assert(process.link(process.listen("next"):receive()))
  process.send(to, "linked")
  process.listen("fail"):receive()
  error("failed", 0)
end
