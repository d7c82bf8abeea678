-- oracle: lua5.3
assert(math.type(3 // 1) == "integer" and math.type(3 / 1) == "float" and math.type(2 ^ 2) == "float" and math.tointeger(3.0) == 3 and math.tointeger(3.5) == nil and math.floor(-3.5) == -4 and math.ceil(-3.5) == -3 and math.type(math.floor(3.7)) == "integer" and math.fmod(-7, 3) == -1 and math.ult(1, -1) and math.abs(-5) == 5 and select(2, math.modf(3.25)) == 0.25)
