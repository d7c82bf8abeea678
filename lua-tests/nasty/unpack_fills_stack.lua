-- oracle: none
-- budget: 60s 1024MiB
-- Results that leave almost no room on the stack, in slices that end there: an answer or an error, never a crash.
local lim = 1000000
for _, n in ipairs { lim - 40, lim - 30, lim - 20, lim - 15, lim - 12, lim - 10, lim - 8, lim - 5, lim - 3, lim - 1, lim, lim + 1 } do
  local co = coroutine.create(function()
    local values = {}
    for i = 1, n do values[i] = i end
    return table.unpack(values)
  end)
  local ok, message = coroutine.resume(co)
  assert(ok and message == 1 or not ok and type(message) == "string")
end
print("ok")
