-- find, match, gmatch and gsub over a generated text.
local words = {}
local seed = 42
for i = 1, 45000 do
  seed = (seed * 1103515245 + 12345) % 2147483648
  words[i] = string.char(97 + seed % 26, 97 + seed // 26 % 26, 97 + seed // 676 % 26) .. "=" .. seed % 1000
end
local text = table.concat(words, "; ")
local pairs_seen, sum = 0, 0
for key, value in text:gmatch("(%a+)=(%d+)") do
  pairs_seen = pairs_seen + #key
  sum = sum + tonumber(value)
end
local changed, k = text:gsub("(%a)(%a)(%a)=", "%3%2%1:")
local upper, m = text:gsub("%a+", string.upper)
local replaced, r = text:gsub("%d", { ["1"] = "one", ["2"] = "two" })
local position, hits = 1, 0
while true do
  local a, b = text:find("[xyz]%l-=", position)
  if not a then break end
  hits = hits + 1
  position = b + 1
end
local trimmed = 0
for i = 1, 400000 do trimmed = trimmed + #(("  word  "):match("^%s*(.-)%s*$")) end
print(pairs_seen, sum, k, m, r, hits, #changed, #upper, #replaced, trimmed)
