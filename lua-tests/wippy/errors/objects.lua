-- What can be done with an error object.
local e = errors.new({message = "disk not found", kind = errors.TIMEOUT})
local e2 = errors.new("second")

assert(type(e) == "userdata" and type(e.kind) == "function" and type(e.message) == "function")
assert(e.code == nil and e[1] == nil and e[e] == nil)
assert(not pcall(function() e.x = 1 end) and not pcall(function() e.message = 1 end))
assert(e == e and e ~= e2 and errors.new("a") ~= errors.new("a"))
assert(not pcall(function() return #e end) and not pcall(function() return e + 1 end))
assert(not pcall(function() return e < e2 end) and not pcall(function() return e() end))
assert(not pcall(function() return -e end) and not pcall(function() return e <= "x" end))
assert(type(getmetatable(e)) ~= "table")
local t = {[e] = 1}
assert(t[e] == 1 and t[e2] == nil)

-- errors.is
assert(errors.is(e, errors.TIMEOUT) and not errors.is(e, errors.INVALID) and not errors.is("text", errors.TIMEOUT))
assert(errors.is(errors.new("x"), "") and errors.is(errors.new("x"), errors.UNKNOWN))
assert(errors.is(nil, errors.TIMEOUT) == false and errors.is({}, "") == false)
assert(not pcall(errors.is) and not pcall(errors.is, e) and not pcall(errors.is, e, 5))

-- methods want their object
local ok, message = pcall(e.message)
assert(not ok and message:find("error expected, got no value", 1, true), message)
for _, method in ipairs({e.message, e.kind, e.retryable, e.details, e.stack}) do
  assert(not pcall(method, "text") and not pcall(method, io.stdout))
end

-- text
assert(tostring(e) == "disk not found" and tostring(e) == e:message())
assert("p: " .. e == "p: disk not found" and e .. " s" == "disk not found s" and e .. e2 == "disk not foundsecond")
assert(e .. nil == "disk not foundnil" and nil .. e == "nildisk not found" and e .. 1 == "disk not found1")
assert(1.5 .. e == "1.5disk not found" and true .. e2 == "truesecond")
assert("a" .. 1 .. e2 .. 2 .. "b" == "a1second2b")
assert(e2 .. setmetatable({}, {__tostring = function() return "shown" end}) == "secondshown")
assert(setmetatable({}, {__tostring = function() return "shown" end}) .. e2 == "shownsecond")
assert(setmetatable({}, {__concat = function(_, b) return b end}) .. e2 == e2)
assert(not pcall(function() return e2 .. setmetatable({}, {__tostring = function() return {} end}) end))
local waiting = coroutine.wrap(function()
  return e2 .. setmetatable({}, {__tostring = function() return coroutine.yield("asked") end})
end)
assert(waiting() == "asked" and waiting("!") == "second!")

-- where a string is expected
assert(string.find(e, "not", 1, true) == 6 and string.format("%s", e) == "disk not found")
assert(string.format("%-8s|%.3s", e2, e2) == "second  |sec" and string.format(e2) == "second")
assert(string.len(e2) == 6 and string.upper(e2) == "SECOND" and string.rep(e2, 2, e2) == "secondsecondsecond")
assert(string.byte(e2) == 115 and string.sub(e2, 1, 3) == "sec" and string.reverse(e2) == "dnoces")
assert(string.match("a second b", e2) == "second" and string.gsub(e2, "e", errors.new("E")) == "sEcond")
assert(string.gsub("abc", "b", function() return e2 end) == "asecondc")
assert(string.gsub("abc", "b", {b = e2}) == "asecondc")
for word in string.gmatch(e, "%a+") do assert(#word > 2) end
assert(table.concat({"a", e2, 1}, errors.new("-")) == "a-second-1")
assert(table.concat(setmetatable({}, {__len = function() return 2 end, __index = function() return e2 end}), " ")
  == "second second")
assert(utf8.len(errors.new("äö")) == 2)
assert(string.pack("z", e2) == "second\0")
assert(os.getenv(errors.new("no such variable")) == nil)
assert(select(2, pcall(error, errors.new("kept"))):message() == "kept")
assert(not pcall(string.rep, "x", e2) and tonumber(errors.new("5")) == nil)
assert(not pcall(string.len, io.stdout))
print(e, e2)
io.write(e2, "\n")
