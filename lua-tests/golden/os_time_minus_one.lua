-- oracle: lua5.3
-- The instant -1 counts as an error, but the fields are normalised all the same.
-- Arguments out of range give a NaN without sign.
local zone = os.time { year = 1970, month = 1, day = 1, hour = 0, isdst = false }
local t = { year = 1970, month = 1, day = 1, hour = 0, sec = -1 - zone, isdst = false }
print(pcall(os.time, t))
print(t.sec, t.min, t.isdst)
print(math.asin(2), math.asin(-2), math.acos(2), math.acos(-1 / 0), math.asin(1), math.acos(1))
