-- oracle: lua5.3
assert("\x41\65\u{41}\z
        B" == "AAAB" and #"\0\10\n" == 3 and "\u{20AC}" == "\xE2\x82\xAC" and [[
x]] == "x" and [==[a]]b]==] == "a]]b" and '\'' == "'")
