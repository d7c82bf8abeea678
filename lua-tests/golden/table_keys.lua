-- oracle: lua5.3
-- Keys: floats with integral values, signed zero, big integers, booleans, nil and nan refused.
local t = {}
t[1.0] = "one" t[2 ^ 53] = "big" t[-0.0] = "zero" t[true] = "yes" t[1.5] = "x" t["1"] = "string"
print(t[1], t[1 << 53], t[0], t[0.0], t[true], t[false], t[3 / 2], t["1"], math.type(next({ [3.0] = 1 })))
print(pcall(function() t[nil] = 1 end))
print(pcall(function() t[0 / 0] = 1 end))
print(t[nil], t[0 / 0], rawget(t, nil))
print(pcall(rawset, t, nil, 1))
t[math.maxinteger] = 1 t[math.mininteger] = 2 t[2 ^ 63] = 3
print(t[math.maxinteger], t[math.mininteger], t[2 ^ 63], t[-2 ^ 63], math.type(next({ [2 ^ 63] = 1 })))
local k = {} t[k] = "table" t[print] = "function"
print(t[k], t[{}], t[print])
print(pcall(next, {}, "missing"))
print(rawlen({ 1, 2 }), rawlen("abc"), pcall(rawlen, 5))
print(rawequal(t, t), rawequal({}, {}), rawequal(1, 1.0), rawequal("a", "a"), pcall(rawequal, 1))
