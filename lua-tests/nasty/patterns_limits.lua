-- oracle: lua5.3
-- budget: 10s 512MiB
-- Captures, recursion depth, malformed ends.
local function e(want, f, ...) local ok, m = pcall(f, ...) assert(not ok and tostring(m):find(want), tostring(m)) end
e("too many captures", string.find, ("a"):rep(40), ("(a)"):rep(33))
e("pattern too complex", string.find, ("a"):rep(300000), (".?"):rep(300000))
e("malformed pattern %(ends with '%%'%)", string.find, "a", "%")
e("malformed pattern %(missing ']'%)", string.find, "a", "[")
e("malformed pattern %(missing ']'%)", string.find, "a", "[^")
e("missing '%[' after '%%f' in pattern", string.find, "a", "%f")
e("missing arguments to '%%b'", string.find, "a", "%b")
e("invalid capture index", string.find, "a", "%1")
e("unfinished capture", string.find, "a", "(()")
e("invalid pattern capture", string.match, "a", ")")
e("invalid capture index %%2", string.gsub, "a", "a", "%2")
e("invalid use of '%%' in replacement string", string.gsub, "a", "a", "%")
assert(("a"):rep(200000):find(("a?"):rep(100)) == 1)
assert(("x"):rep(100000):match("^(x*)$"):len() == 100000)
assert(("x"):rep(100000):match("^(x-)$"):len() == 100000)
assert(select(2, ("x"):rep(100000):gsub("", "")) == 100001)
assert(("a"):rep(1000000):find("b") == nil)
assert((("("):rep(100000) .. (")"):rep(100000)):match("%b()"):len() == 200000)
assert(("("):rep(10000):match("%b()") == nil)
assert(#("a"):rep(100000):gsub("a", "bb") == 200000) local it do
local s = ("word "):rep(1000) it = s:gmatch("%a+") s = nil end
collectgarbage()
local n = 0 for w in it do n = n + 1 if n % 100 == 0 then
collectgarbage() end end
assert(n == 1000)
local t = { a = 1 }
assert(("abab"):gsub("%w", function(c) t[c] = (t[c] or 0) + 1 for i = 1, 100 do t[c .. i] = i end return c:upper() end) == "ABAB")
assert((("x"):gsub("x", { x = ("y"):rep(1000000) })):len() == 1000000)
print("ok")
