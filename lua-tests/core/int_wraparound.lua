-- oracle: lua5.3
assert(math.maxinteger + 1 == math.mininteger and math.mininteger - 1 == math.maxinteger and math.maxinteger * 2 == -2)
assert(1 << 63 == math.mininteger and (1 << 63) - 1 == math.maxinteger)
