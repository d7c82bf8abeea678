-- oracle: lua5.3
-- goto: continue, nested loops, backwards, and fresh locals per pass.
for i = 1, 5 do
  if i % 2 == 0 then goto continue end
  io.write(i, " ")
  ::continue::
end
print()
for i = 1, 3 do
  for j = 1, 3 do
    if i * j == 4 then goto out end
    io.write(i * j, " ")
  end
end
::out:: print("out")
do
  local n = 0
  ::again::
  n = n + 1
  if n < 4 then goto again end
  print(n)
end
local fs = {}
do
  local i = 1
  ::top::
  local x = i
  fs[i] = function() return x end
  i = i + 1
  if i <= 3 then goto top end
end
print(fs[1](), fs[2](), fs[3]())
do goto e; local z; ::e:: end
while true do do break end end
repeat if true then goto done end until false ::done:: print("done")
local goto_like = 1 print(goto_like)
