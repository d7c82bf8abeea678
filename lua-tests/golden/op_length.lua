-- oracle: lua5.3
-- Length of strings and of sequences.
print(#"", #"a\0b", #"\u{20AC}", #{}, #{ 1, 2, 3 }, #{ n = 1 }, #{ 1, 2, nil }, #{ nil })
local t = {}
for i = 1, 100 do t[i] = i end
print(#t)
for i = 100, 51, -1 do t[i] = nil end
print(#t)
t[51] = 1
print(#t)
print(pcall(function() local x = 5 return #x end))
print(pcall(function() local x return #x end))
print(pcall(function() return #undefined.field end))
