-- Tells when it begins to validate a huge value, and when that has turned out to fit.
type List = {number}
type Text = string @pattern("^(a|b)+$")
return function(to, what, size)
  local value
  if what == "list" then
    -- By few instructions: some builds collect at each of them.
    value = {1}
    while #value < size do table.move(value, 1, #value, #value + 1) end
  else
    value = ("ab"):rep(size // 2)
  end
  process.send(to, "begins")
  if what == "list" then List(value) else Text(value) end
  process.send(to, "fits")
end
