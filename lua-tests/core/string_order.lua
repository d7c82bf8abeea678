-- oracle: lua5.3
assert("a" < "b" and "a" < "aa" and "Z" < "a" and "" < "\0" and "a\0a" < "a\0b" and not ("a" < "a") and "a" <= "a" and "\255" > "a") local t = { "b", "B", "", "a", "a\0", "10", "9" } table.sort(t) assert(table.concat(t, ",") == ",10,9,B,a,a\0,b")
