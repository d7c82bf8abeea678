-- A chain of linked processes; the first also starts one that is not linked.
return function(n, to, depth)
  local host = "app:processes"
  if n > 1 then process.spawn_linked("./_chain.lua", host, n - 1, to, (depth or 0) + 1) end
  if not depth then process.send(to, "free", (process.spawn("./_echo.lua", host))) end
  process.send(to, "here", process.pid())
  error(process.inbox():receive():payload():data(), 0)
end
