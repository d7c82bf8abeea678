-- Building strings: chains of `..`, a buffer with table.concat, string.rep and sub.
local parts = {}
for i = 1, 350000 do parts[#parts + 1] = "item" .. i .. "," end
local all = table.concat(parts)
local s = ""
for i = 1, 6000 do s = s .. (i % 10) end
local n = 0
for i = 1, 500000 do n = n + #(all:sub(i, i + 5)) end
print(#all, #s, n, #(("ab"):rep(100000, "-")))
