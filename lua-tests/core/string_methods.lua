-- oracle: lua5.3
local s = "Hello" assert(s:len() == 5 and s:sub(2, -2) == "ell" and s:upper() == "HELLO" and s:reverse() == "olleH" and s:rep(2, "-") == "Hello-Hello" and s:byte(-1) == 111 and ("%s=%d"):format("n", 3) == "n=3" and s:find("l") == 3 and s:match("(h?)ello") == "" and (s:gsub("l", "L")) == "HeLLo")
