-- oracle: lua5.3
local s = "" for i = 1, 100 do s = s .. i .. "," end assert(#s == 292) assert("a" .. 1 .. 2.5 .. "b" == "a12.5b") assert(("x" .. "y") .. "z" == "x" .. ("y" .. "z"))
