-- flags: --memory-limit 32M
-- What error objects hold on to is on the process's account.
local kept = {}
local ok, message = pcall(function()
  while true do kept[#kept + 1] = errors.new(("x"):rep(100000)) end
end)
assert(not ok and message == "not enough memory", message)
local n = #kept
kept = nil
collectgarbage()
assert(n > 100 and n < 335, n)
ok, message = pcall(function()
  local e = errors.new("e")
  while true do e = errors.wrap(e, ("x"):rep(10000)) end
end)
assert(not ok and message == "not enough memory", message)
collectgarbage()
for _ = 1, 2000 do errors.new(("x"):rep(100000)) end
local big = {}
for i = 1, 100 do big[i] = ("y"):rep(100000) .. i end
ok, message = pcall(errors.new, {message = "m", details = {big, big, big, big = big, big2 = big, big3 = big}})
assert(not ok and message == "not enough memory", message)
