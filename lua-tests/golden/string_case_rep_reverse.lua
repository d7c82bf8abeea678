-- oracle: lua5.3
print(("MiXed 123 äö"):upper() == "MIXED 123 äö", ("MiXed"):lower(), (""):upper(), ("a\0B"):upper() == "A\0B")
print(("abc"):reverse(), (""):reverse(), ("a\0b"):reverse() == "b\0a")
print(("ab"):rep(3), ("ab"):rep(0), ("ab"):rep(-1), ("ab"):rep(1, ","), ("ab"):rep(3, ","), (""):rep(5, "-"), ("x"):rep(2.0), ("x"):rep("3"), ("x"):rep(math.mininteger))
print(pcall(string.rep, "x", 1 << 40 << 22)) print(pcall(string.rep, "ab", math.maxinteger)) print(pcall(string.rep, "x", 1 << 62, ("y"):rep(10)))
print(#(""):rep(10), #(""):rep(1000000), (("a"):rep(100000)):sub(-3), pcall(string.rep), pcall(string.rep, "x"), pcall(string.reverse))
