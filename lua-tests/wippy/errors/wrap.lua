-- errors.wrap: kind, hint and details stay; a context shows in the message one wrap later.
local e = errors.new({message = "disk full", kind = errors.UNAVAILABLE, retryable = true, details = {disk = "a"}})
local w = errors.wrap(e, "save")
assert(w ~= e and w:message() == "disk full" and tostring(w) == "disk full")
assert(w:kind() == "Unavailable" and w:retryable() == true and w:details().disk == "a")
assert(w:stack():find("save", 1, true) and not e:stack():find("save", 1, true))
local w2 = errors.wrap(w, "export")
assert(w2:message() == "save: disk full" and w2:stack():find("export", 1, true) and w2:stack():find("save", 1, true))
assert(errors.wrap(w2, "run"):message() == "export: save: disk full")
assert(w2:kind() == "Unavailable" and w:message() == "disk full")

local plain = errors.wrap("plain", "ctx")
assert(plain:message() == "plain" and plain:kind() == "" and plain:retryable() == nil and plain:details() == nil)
assert(errors.wrap(plain, "next"):message() == "ctx: plain")

local why = errors.wrap(e, errors.new("why"))
assert(why:message() == "disk full" and errors.wrap(why, "x"):message() == "why: disk full")

for _, wrong in ipairs({{nil, "c"}, {5, "c"}, {{}, "c"}, {e}, {e, 5}, {e, {}}}) do
  local ok, message = pcall(errors.wrap, wrong[1], wrong[2])
  assert(not ok and message:find("expected string or error object", 1, true), message)
end
assert(not pcall(errors.wrap))

-- many
local many = errors.new("m")
for i = 1, 300 do many = errors.wrap(many, "c" .. i) end
assert(many:message():sub(1, 12) == "c299: c298: " and many:message():sub(-6) == "c1: m" or many:message():sub(-5) == "c1: m")
local _, lines = many:stack():gsub("\n", "")
assert(lines == 600, lines)
