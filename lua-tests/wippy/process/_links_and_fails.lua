return function(pid)
  assert(process.link(pid))
  error("on purpose")
end
