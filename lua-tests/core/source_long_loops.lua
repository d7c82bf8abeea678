-- Loops that the reference's jumps cannot span are refused, wherever they go back.
local long = ("a = a + 1\n"):rep(2^18)
local function refused(text, near)
  local f, message = load(text)
  assert(not f and message:find("control structure too long near " .. near, 1, true), message)
end
refused("while true do " .. long .. "end", "'end'")
refused("for i = 1, 2 do " .. long .. "end", "'end'")
refused("for k in next, {} do " .. long .. "end", "'end'")
assert(load(long))
local short = ("a = a + 1\n"):rep(2^15)
assert(load("while true do " .. short .. "end"))
assert(load("for i = 1, 2 do " .. short .. "end"))
assert(load("repeat " .. short .. "until x"))
