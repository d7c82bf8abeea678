-- oracle: lua5.3
local f = string.format
for _, spec in ipairs { "%d", "%5d", "%-5d|", "%05d", "%+d", "% d", "%.3d", "%5.3d", "%i", "%x", "%X", "%#x", "%o", "%#o", "%c|", "%08x", "%+.2d", "%-+6d|", "%20d", "%.20d" } do
  print(spec, f(spec, 65), spec:find("[cxXo]") and "" or f(spec, -65), f(spec, 0))
end
print(f("%d %d %d", math.maxinteger, math.mininteger, -1), f("%x", -1), f("%X", math.mininteger), f("%o", -1)) print(f("%d", "10"), f("%d", 3.0), f("%d", "0x10"), f("%d", " 7 "), f("%d", -0.0), f("%d", 2 ^ 53))
print(pcall(f, "%d", 1.5)) print(pcall(f, "%d", "1.5")) print(pcall(f, "%d", 2 ^ 63)) print(pcall(f, "%d", "x")) print(pcall(f, "%d", nil)) print(pcall(f, "%d")) print(pcall(f, "%x", 1.5)) print(pcall(f, "%c", 1.5)) print(pcall(f, "%d", {}))
print(#f("%99d", 1), #f("%.99d", 1), pcall(f, "%100d", 1), pcall(f, "%.100d", 1), pcall(f, "%0-+ #0d", 1)) print(f("%c%c%c", 0, 65, 255) == "\0A\255", f("%5c|%-5c|", 65, 66))
