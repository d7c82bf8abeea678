-- oracle: lua5.3
-- budget: 10s 512MiB
-- Very long levels, unfinished tokens at the end of input, odd bytes.
local n = 1000000
assert(load("return [" .. ("="):rep(n) .. "[x]" .. ("="):rep(n) .. "]")() == "x")
assert(not load("return [" .. ("="):rep(n)))
assert(not load("return [" .. ("="):rep(n) .. "[x]"))
assert(load("--[" .. ("="):rep(n) .. "\nreturn 1")() == 1)
for _, s in ipairs { "'", "\"", "[[", "[=[", "--[[", "'\\", "'\\x", "'\\u{", "'\\z", "'\\1", "0x", "1e", "::", ":", "..", "...", "~", "=", "<", "\\", "\0", "\255", "\1", "$", "x\0", "\0x", "a.", "a:", "[", "[=", "--[", "--[=", "-", "--" } do
  for _, p in ipairs { "", "return ", "x = ", "f " } do local f, e = load(p .. s) assert(f or type(e) == "string" and e:find(":1:")) end
end
assert(load("return 'a\0b'")() == "a\0b")
assert(load("return [[a\0b]]")() == "a\0b")
assert(load("--\0\nreturn 3")() == 3)
assert(not load("return \0 1"))
assert(load("x = 1\r\ny = 2\ry = 3"))
assert(select(2, load("\r\n\n\r\r\n = ")):find(":4:"))
assert(not load("\xEF\xBB\xBFreturn 1"))
assert(not load("#!x\nreturn 1"))
assert(not load("é = 1"))
assert(load("return '\xff\xfe'")() == "\xff\xfe")
assert(load("return '\\u{10FFFF}'")() == "\xF4\x8F\xBF\xBF")
assert(not load("return '\\u{7FFFFFFF}'"))
assert(load("return 0x" .. ("f"):rep(100000))() == -1)
assert(load("return 1e99999")() == math.huge)
assert(load("return 0x1p99999")() == math.huge)
assert(load("return " .. ("9"):rep(150))() > 1e149)
assert(load("return '" .. ("x"):rep(5000000) .. "'")():len() == 5000000)
assert(load((" "):rep(5000000) .. "return 1")() == 1)
assert(load(("\n"):rep(1000000) .. "return debug.getinfo(1, 'l').currentline")() == 1000001)
assert(load("local " .. ("a"):rep(100000) .. " = 4 return " .. ("a"):rep(100000))() == 4)
print("ok")
