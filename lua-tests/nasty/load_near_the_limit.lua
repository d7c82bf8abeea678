-- oracle: none
-- budget: 20s 256MiB
-- flags: --memory-limit 12M
-- What compiling needs is what it takes, and garbage is no reason to refuse it.
local lines = {}
for i = 1, 30000 do
  lines[i] = ("t[%d] = { x = %d, 'ni' }\n"):format(i, i)
end
local text = table.concat(lines)
lines = nil
local name = os.tmpname()
local file = assert(io.open(name, "w"))
assert(file:write(text))
file:close()

local function waste(rounds)
  for i = 1, 3000 * rounds do
    local garbage = { i, tostring(i) }
  end
end

for round = 1, 6 do
  waste(round % 7)
  local ok, f = pcall(load, text, "=x")
  assert(ok and f, f)
  f = nil
  waste(round % 5)
  ok, f = pcall(loadfile, name)
  assert(ok and f, f)
end
os.remove(name)

-- What really takes too much is refused, and nothing else is lost.
local ok, message = pcall(load, text:rep(4), "=x")
assert(not ok and message == "not enough memory", message)
local depth = 0
local f = assert(load(function()
  depth = depth + 1
  return depth < 1000 and "x = 1 " or nil
end))
f()
assert(x == 1)
print("ok")
