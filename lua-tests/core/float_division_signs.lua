-- oracle: lua5.3
for a = -5, 5, 0.25 do for b = -3, 3, 0.75 do if b ~= 0 then local q, r = a // b, a % b assert(q == math.floor(q) and (r == 0 or (r < 0) == (b < 0)) and math.abs(q * b + r - a) < 1e-12) end end end
