-- Six nested loops: loop set-up and the innermost addition.
local n, x = 19, 0
for a = 1, n do
  for b = 1, n do
    for c = 1, n do
      for d = 1, n do
        for e = 1, n do
          for f = 1, n do x = x + 1 end
        end
      end
    end
  end
end
print(x)
