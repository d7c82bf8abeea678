-- pairs, ipairs, next and a numeric loop over the same kinds of table.
local array, hash = {}, {}
for i = 1, 100000 do
  array[i] = i
  hash["k" .. i] = i
end
local a, b, c, d = 0, 0, 0, 0
for _ = 1, 16 do
  for _, v in ipairs(array) do a = a + v end
  for _, v in pairs(array) do b = b + v end
  for _, v in pairs(hash) do c = c + v end
  for i = 1, #array do d = d + array[i] end
end
local e, k, v = 0, next(hash)
while k do
  e = e + v
  k, v = next(hash, k)
end
print(a, b, c, d, e)
