-- LZ77 compression with hash chains over bytes, and its inverse.
local byte, char, concat = string.byte, string.char, table.concat

local function compress(data)
  local bytes = {}
  for i = 1, #data do bytes[i] = byte(data, i) end
  local size = #bytes
  local heads, previous, out, i = {}, {}, {}, 1
  while i <= size do
    local length, distance = 0, 0
    if i + 3 <= size then
      local key = bytes[i] | bytes[i + 1] << 8 | bytes[i + 2] << 16
      local at, tries = heads[key], 0
      while at and i - at < 4096 and tries < 16 do
        local n = 3
        while n < 66 and i + n <= size and bytes[at + n] == bytes[i + n] do n = n + 1 end
        if n > length then length, distance = n, i - at end
        at, tries = previous[at], tries + 1
      end
    end
    local step = 1
    if length >= 4 then
      out[#out + 1] = 128 | (length - 3)
      out[#out + 1] = distance >> 8
      out[#out + 1] = distance & 255
      step = length
    else
      out[#out + 1] = 1
      out[#out + 1] = bytes[i]
    end
    for j = i, i + step - 1 do
      if j + 2 <= size then
        local key = bytes[j] | bytes[j + 1] << 8 | bytes[j + 2] << 16
        previous[j] = heads[key]
        heads[key] = j
      end
    end
    i = i + step
  end
  return out
end

local function expand(codes)
  local out, i = {}, 1
  while i <= #codes do
    local code = codes[i]
    if code & 128 ~= 0 then
      local length, distance = (code & 127) + 3, codes[i + 1] << 8 | codes[i + 2]
      local from = #out - distance
      for j = 1, length do out[#out + 1] = out[from + j] end
      i = i + 3
    else
      out[#out + 1] = codes[i + 1]
      i = i + 2
    end
  end
  local parts = {}
  for k = 1, #out do parts[k] = char(out[k]) end
  return concat(parts)
end

local words = {}
for word in ("the quick brown fox jumps over a lazy dog while seven wizards brew potions in copper kettles"):gmatch("%a+") do
  words[#words + 1] = word
end
local seed, text = 5, {}
for i = 1, 50000 do
  seed = (seed * 1103515245 + 12345) % 2147483648
  text[i] = words[seed // 65536 % #words + 1] .. (seed % 11 == 0 and "." or "")
end
local data = concat(text, " ")
local codes = compress(data)
local back = expand(codes)
local check = 0
for i = 1, #codes do check = (check * 31 + codes[i]) % 1000000007 end
print(#data, #codes, back == data, check)
