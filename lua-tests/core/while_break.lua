-- oracle: lua5.3
local n = 0 while true do n = n + 1 if n == 10 then break end while true do break end end assert(n == 10)
