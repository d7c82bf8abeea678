-- Tells when it begins to validate a huge value, and when that has turned out to fit.
type List = {number}
type Text = string @pattern("^(a|b)+$")
return function(to, what)
  local value
  if what == "list" then
    value = {}
    for i = 1, 1000000 do value[i] = i end
  else
    value = ("ab"):rep(500000)
  end
  process.send(to, "begins")
  if what == "list" then List(value) else Text(value) end
  process.send(to, "fits")
end
