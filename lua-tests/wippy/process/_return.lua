-- Returns or raises what it is told.
return function(how, a, b)
  if how == "return" then return a, b end
  if how == "error" then error(a, 0) end
  if how == "wait" then process.inbox():receive() end
  if how == "pid" then return process.pid() end
  if how == "id" then return process.id() end
  if how == "count" then return select("#", a, b) end
end
