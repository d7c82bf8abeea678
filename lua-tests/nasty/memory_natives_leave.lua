-- What native functions leave behind is collected while the one that calls them goes on: the limit is far below the sum.
-- oracle: none
-- budget: 20s 64MiB
-- flags: --memory-limit 10M
local text = ("abcdef, "):rep(200000)
do
  local upper, words = text:gsub("%a+", string.upper)
  assert(words == 200000 and #upper == #text and upper:sub(1, 8) == "ABCDEF, ")
end
-- No call at all, but a key for each match, over many slices.
local replaced, n = text:gsub("%a+", { none = "" })
assert(n == 200000 and replaced == text)
print("ok")
