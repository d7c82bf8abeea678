-- oracle: lua5.3
for i = 1, 300 do local x = (i * 7919 % 1000) / 7 * 10 ^ (i % 40 - 20) assert(tonumber(("%.17g"):format(x)) == x and tonumber(("%a"):format(x)) == x and load("return " .. ("%q"):format(x))() == x) end for i = 0, 255 do local c = string.char(i) assert(load("return " .. ("%q"):format("a" .. c .. "1"))() == "a" .. c .. "1") end
