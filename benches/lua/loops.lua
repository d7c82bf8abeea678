-- Counting loops: integer, float, while and repeat, with a little arithmetic in each.
local s = 0
for i = 1, 12000000 do s = s + i * i % 7 end
local f = 0.0
for x = 0, 1, 1 / 5000000 do f = f + x * 0.5 end
local w, n = 0, 0
while n < 6000000 do
  n = n + 1
  if n & 1 == 0 then w = w + n else w = w - 1 end
end
local r, k = 0, 5000000
repeat
  r = r ~ k
  k = k - 1
until k == 0
print(s, string.format("%.3f", f), w, r)
