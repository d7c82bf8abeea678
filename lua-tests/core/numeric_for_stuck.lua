-- A loop whose step is 0 does not move; below a limit that no integer reaches it starts at 0 besides.
local function first(start, limit, step)
  local seen = {}
  for i = start, limit, step do
    seen[#seen + 1] = i
    if #seen == 3 then break end
  end
  return table.concat(seen, " ")
end
assert(first(5, -math.huge, 0) == "0 0 0")
assert(first(-5, -1e300, 0) == "0 0 0")
assert(first(5, 0 / 0, 0) == "0 0 0")
assert(first(5, math.huge, 0) == "")
assert(first(5, 5, 0) == "5 5 5")
assert(first(5, 4, 0) == "5 5 5")
assert(first(5, 6, 0) == "")
assert(first(math.maxinteger, math.huge, 0) == ("9223372036854775807 "):rep(2) .. "9223372036854775807")
assert(first(5, -math.huge, 1) == "")
assert(first(5, 0 / 0, 1) == "")
assert(first(5.0, -math.huge, 0) == "5.0 5.0 5.0")
