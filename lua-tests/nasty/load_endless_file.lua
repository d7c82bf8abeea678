-- oracle: none
-- budget: 10s 256MiB
-- flags: --memory-limit 16M
-- A file without an end is read only as far as there is memory for it.
local function e(f, ...)
  local ok, m = pcall(f, ...)
  assert(not ok and tostring(m):find("not enough memory"), tostring(m))
end
e(loadfile, "/dev/zero")
e(dofile, "/dev/zero")
package.path = "/dev/?"
e(require, "zero")
assert(loadfile("/dev/null"))
print("ok")
