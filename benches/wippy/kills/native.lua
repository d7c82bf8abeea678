-- A pattern that looks at every way to divide a long subject, in one call.
return function()
  local subject = string.rep("a", 10000)
  while true do string.find(subject, ".-.-.-b") end
end
