-- oracle: lua5.3
local x = 5 assert(-x == -5 and - -x == 5 and not x == false and ~x == -6 and #"abc" == 3 and -"3" == -3 and -0.0 == 0.0 and 1 / -0.0 == -math.huge)
