-- oracle: lua5.3
for n = 0, 70 do local t = {} for i = 1, n do t[i] = true end assert(#t == n) t[n + 1] = 1 assert(#t == n + 1) t[n + 1] = nil assert(#t == n) end local t = { n = 1, [0] = 0 } assert(#t == 0) t[1] = 1 assert(#t == 1)
