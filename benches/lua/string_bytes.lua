-- Hashing text byte by byte: string.byte, string.char, integer operations.
local text = ("The quick brown fox jumps over the lazy dog. "):rep(2000)
local byte, char = string.byte, string.char
local function fnv(s)
  local h = 2166136261
  for i = 1, #s do h = (h ~ byte(s, i)) * 16777619 & 0xffffffff end
  return h
end
local function adler(s)
  local a, b = 1, 0
  for i = 1, #s do
    a = (a + s:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return b << 16 | a
end
local h, g = 0, 0
for _ = 1, 31 do
  h = h ~ fnv(text)
  g = g + adler(text)
end
local out = {}
for i = 1, #text do out[i] = char((byte(text, i) + 13) % 256) end
print(h, g, fnv(text), #table.concat(out))
