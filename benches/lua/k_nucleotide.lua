-- Counting substrings of a generated sequence in hash tables.
local seed, letters = 42, { "A", "C", "G", "T" }
local buffer = {}
for i = 1, 70000 do
  seed = (seed * 3877 + 29573) % 139968
  buffer[i] = letters[seed * 4 // 139968 + 1]
end
local sequence = table.concat(buffer)
local function count(k)
  local counts = {}
  for i = 1, #sequence - k + 1 do
    local key = sequence:sub(i, i + k - 1)
    counts[key] = (counts[key] or 0) + 1
  end
  local keys = {}
  for key in pairs(counts) do keys[#keys + 1] = key end
  table.sort(keys, function(x, y)
    if counts[x] ~= counts[y] then return counts[x] > counts[y] end
    return x < y
  end)
  return keys, counts
end
for _, k in ipairs { 1, 2, 3, 4, 6, 8, 12 } do
  local keys, counts = count(k)
  print(k, #keys, keys[1], counts[keys[1]])
end
