-- An error object that is raised stays itself.
local e = errors.new({message = "m", kind = errors.INVALID})
local function raised(f, ...)
  local ok, value = pcall(f, ...)
  assert(not ok)
  return value
end

assert(raised(error, e) == e and raised(error, e, 2) == e and raised(function() error(e) end) == e)
assert(raised(error, "s") == "s" and raised(function() error("s") end):match("^travel.lua:%d+: s$"))
local t = {}
assert(raised(error, t) == t)
assert(raised(assert, false, e) == e and raised(assert, nil, e) == e and assert(e, 1) == e)
assert(type(raised(string.rep)) == "string")

local ok, kind = xpcall(function() error(e) end, function(x) return x:kind() end)
assert(ok == false and kind == "Invalid")
ok, kind = xpcall(error, function(x) return x end, e)
assert(ok == false and kind == e)
ok, kind = xpcall(error, debug.traceback, e)
assert(ok == false and kind == e)

local co = coroutine.create(function() error(e) end)
local ok, value = coroutine.resume(co)
assert(ok == false and value == e and coroutine.status(co) == "dead")
assert(raised(coroutine.wrap(function() error(e) end)) == e)
assert(raised(coroutine.wrap(function() coroutine.wrap(function() error(e) end)() end)) == e)
assert(raised(function() for _ in function() error(e) end do end end) == e)
assert(raised(function() return setmetatable({}, {__index = function() error(e) end}).x end) == e)
assert(raised(table.sort, {1, 2, 3}, function() error(e) end) == e)
assert(raised(string.gsub, "x", "x", function() error(e) end) == e)

local function find(id)
  if id then return id end
  return nil, e
end
local v, err = find()
assert(v == nil and err == e and select("#", find()) == 2)

-- collected with what it refers to, and not before
local keep = {}
for i = 1, 1000 do keep[i % 10] = errors.wrap(errors.new({message = "m" .. i, details = {i = i}}), "c") end
collectgarbage()
for i = 991, 1000 do assert(keep[i % 10]:details().i == i and keep[i % 10]:message() == "m" .. i) end
