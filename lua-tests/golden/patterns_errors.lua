-- oracle: lua5.3
-- Malformed patterns and replacement strings.
for _, p in ipairs { "%", "[", "[^", "[]", "[^]", "[a", "[a%", "[%", "(", "(()", ")", "a)", "%b", "%ba", "%f", "%fa", "%1", "(%1)", "(a)%2", "%0", "(a", "a(b", "[[:alpha:]", "[%a-", "%9", "x%" } do
  print(p, pcall(string.find, "aaaa]b", p)) print("", pcall(string.gsub, "aaaa]b", p, "x"))
end
print(pcall(string.find, "a", ("(a)"):rep(33))) print(pcall(string.find, ("a"):rep(33), ("(a)"):rep(33))) print(select("#", string.find(("a"):rep(32), ("(a)"):rep(32)))) print(pcall(string.gsub, "abc", "b", "%")) print(pcall(string.gsub, "abc", "b", "%2")) print(pcall(string.gsub, "abc", "(b)", "%2")) print(pcall(string.gsub, "abc", "b", "%x")) print(pcall(string.gsub, "abc", "b", "%1")) print(pcall(string.gsub, "abc", "b", "%0%%")) print(pcall(string.rep, "x", -1))
print(pcall(string.match, "x", "x", {})) print(pcall(string.gmatch, "x")) print(pcall(string.gsub, "x", "x", "y", "z")) print(pcall(string.gsub, "x", "x", nil)) print(pcall(string.gsub, "x", "x", true))
