return function(how)
  if how == "spin" then while true do end end
  process.inbox():receive()
end
