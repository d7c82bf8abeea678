-- Counts the words of a text and shows the most frequent ones.
--
--   wippy run examples/word_count.lua FILE [HOW_MANY]
--   wippy run examples/word_count.lua - < FILE
--
-- Without a file it counts its own text.

local path = ... or arg[0]
local how_many = tonumber((select(2, ...))) or 10

local input
if path == "-" then
  input = io.stdin
else
  local message
  input, message = io.open(path)
  if not input then
    io.stderr:write(message, "\n")
    os.exit(1)
  end
end

local lines, words, bytes = 0, 0, 0
local count = {}
for line in input:lines("L") do
  lines = lines + 1
  bytes = bytes + #line
  for word in line:lower():gmatch("%a+") do
    words = words + 1
    count[word] = (count[word] or 0) + 1
  end
end

local order = {}
for word in pairs(count) do
  order[#order + 1] = word
end
-- Words that are equally frequent in the order of the alphabet, so that the result is always the same.
table.sort(order, function(a, b)
  if count[a] ~= count[b] then
    return count[a] > count[b]
  end
  return a < b
end)

print(string.format("%d lines, %d words, %d different, %d bytes", lines, words, #order, bytes))
for i = 1, math.min(how_many, #order) do
  print(string.format("%5d  %s", count[order[i]], order[i]))
end
