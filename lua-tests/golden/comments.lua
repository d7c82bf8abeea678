-- oracle: lua5.3
--[[ a long comment
over lines ]] print("after long")
--[==[ ]] still ]==] print("after level 2")
--[ not long
print("line") -- trailing
---[[ also a line comment
print("here")
--]]
print(load("--[[ never closed"))
print(type(load("-- at the end")))
print(load("return 1 --[[x]] + --[==[y]==] 2")())
print(load("#!/bin/sh\nreturn 5"))
