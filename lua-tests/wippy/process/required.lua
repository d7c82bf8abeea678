-- flags: --sim 1
-- Files that several processes load are compiled once for all of them; nobody can tell, but by the memory.
local host, inbox = "app:processes", process.inbox()
local file = os.tmpname()
local function write(text)
  local f = assert(io.open(file, "w"))
  f:write(text)
  f:close()
end
-- The second version is long enough to be compiled in turns.
local function fields(n) return n == 2 and 1500 or 200 end
local function version(n)
  local parts = {}
  for i = 1, fields(n) do parts[i] = ("  field_%d_%d?: string @min_len(%d),\n"):format(n, i, i) end
  return ([[#!/usr/bin/env a_first_line
type T = {x: %d,
%s}
local calls = 0
return {
  T = T, version = %d, name = name or "global", argument = ...,
  count = function() calls = calls + 1 return calls end,
  fail = function() error("failed") end,
}
]]):format(n, table.concat(parts), n)
end
local function ask(pid, how)
  process.send(pid, "how", how)
  local answer = inbox:receive():payload():data()
  return answer
end
local pids = {}
for i = 1, 6 do pids[i] = process.spawn("./_requires.lua", host, process.pid(), file) end

local alone
for round, n in ipairs {1, 2, 1} do
  write(version(n))
  for i, pid in ipairs(pids) do
    for _, how in ipairs {"require", "dofile", "loadfile"} do
      local a = ask(pid, how)
      assert(a.ok and a.version == n and a.fits and a.counted == 3, a.message)
      assert(a.name == (how == "loadfile" and "of the environment" or "global"))
      assert(a.error == file .. ":" .. fields(n) + 8 .. ": failed", a.error)
      alone = alone or a
      assert(a.dumped == alone.dumped or n == 2)
      if i > 2 then
        assert(a.kilobytes < alone.kilobytes / 4, how .. " took " .. a.kilobytes .. " of " .. alone.kilobytes)
      end
    end
  end
end
assert(alone.kilobytes > 20)

-- What does not load does not for anybody.
write("return {")
for _, pid in ipairs(pids) do
  for _, how in ipairs {"require", "dofile", "loadfile"} do
    local a = ask(pid, how)
    assert(not a.ok and a.message:find("unexpected symbol near <eof>", 1, true) or a.message:find("near <eof>", 1, true), a.message)
  end
end
-- The same text under another name is another file.
local other = os.tmpname()
os.remove(file)
file = other
write(version(3))
for i = 1, 4 do
  local a = ask(process.spawn("./_requires.lua", host, process.pid(), file), "dofile")
  assert(a.error == file .. ":208: failed")
end
os.remove(file)
