-- oracle: lua5.3
local s = 0 for i = 1, 10 do if i % 3 == 0 then goto next end s = s + i ::next:: end assert(s == 37)
do local i = 0 ::top:: i = i + 1 if i < 5 then goto top end assert(i == 5) end
