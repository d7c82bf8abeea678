-- oracle: lua5.3
assert(("abc"):gsub("%w", "%0%0") == "aabbcc" and ("abc"):gsub("(a)(b)", "%2%1") == "bac" and ("x y"):gsub("%w", { x = "1" }) == "1 y" and ("abc"):gsub("b", function() return nil end) == "abc" and select(2, ("aaa"):gsub("a", "b", 2)) == 2 and ("abc"):gsub("", "-") == "-a-b-c-")
