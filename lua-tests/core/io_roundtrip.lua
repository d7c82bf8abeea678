-- oracle: lua5.3
local name = os.tmpname() local f = assert(io.open(name, "wb")) assert(f:write("one\n", 2, " ", 3.5, "\n", "a\0b")) f:close() f = io.open(name, "rb") assert(f:read("l") == "one" and f:read("n") == 2 and f:read("n") == 3.5 and f:read("L") == "\n" and f:read("a") == "a\0b" and f:read("a") == "" and f:read("l") == nil) assert(f:seek("set", 4) == 4 and f:read(1) == "2") f:close() assert(os.remove(name) and not io.open(name))

-- Counts that no buffer can have; names end at a NUL, also in messages.
local path = os.tmpname()
do local f = assert(io.open(path, "w")) f:write("abc\n12") f:close() end
do
  local f = assert(io.open(path))
  for _, count in ipairs { -1, math.mininteger } do
    local ok, message = pcall(f.read, f, count)
    assert(not ok and message == "not enough memory for buffer allocation", message)
  end
  assert(f:read("l", "n") == "abc") f:close()
end
os.remove(path)
local _, message = os.remove("/nonexistent\0x")
assert(message == "/nonexistent: No such file or directory", message)
