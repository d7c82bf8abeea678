-- Loops that the reference's jumps cannot span are refused.
local long = ("a = a + 1\n"):rep(2^17)
local function refused(text)
  local f, message = load(text)
  assert(not f and message:find("control structure too long near 'end'", 1, true), message)
end
refused("while true do " .. long .. "end")
refused("for k in next, {} do " .. long .. "end")
local short = ("a = a + 1\n"):rep(2^15)
assert(load("while true do " .. short .. "end"))
assert(load("for i = 1, 2 do " .. short .. "end"))
assert(load("repeat " .. short .. "until x"))
