-- oracle: lua5.3
print(("hello world"):find("wor"), ("hello"):find("l"), ("hello"):find("xyz"), ("hello"):find(""), ("hello"):find("", 3), ("hello"):find("", 6), ("hello"):find("", 7), (""):find(""))
print(("hello"):find("l", -2), ("hello"):find("h", 2), ("hello"):find("h", -100), ("hello"):find("o", 5), ("a.b"):find(".", 1, true), ("a.b"):find("."), ("a+b"):find("+", 1, true), ("a+b"):find("%+"))
print(("hello"):find("(l)(l)"), ("hello"):find("()ll()"), ("hello"):find("^h"), ("hello"):find("^e"), ("hello"):find("o$"), ("hello"):find("l$"), ("a$b"):find("$b"), ("a^b"):find("a^"))
print(("a\0b"):find("\0"), ("a\0b"):find("%z"), ("a\0b"):find("[\0]"), ("abc"):find("b", nil, true), ("aXb"):find("%u"), ("abc"):find("b()"), pcall(string.find, "a"), pcall(string.find, "a", {}), pcall(string.find, "a", "a", "x"))
print(("x"):rep(1000):find("y"), (("x"):rep(1000) .. "y"):find("y", 1, true), (("ab"):rep(500) .. "abb"):find("abb", 1, true), ("aaa"):find("aa", 2), ("abc"):find("c", 3, true), ("abc"):find("", 10, true), ("abc"):find("", 4, true))
