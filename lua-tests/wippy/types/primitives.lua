-- Primitive types by name.
local function fails(f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok)
  return message
end
assert(fails(function() return string(5) end):find("expected string, got number", 1, true))
assert(string("a") == "a" and select("#", string("a")) == 1)
assert(integer(3) == 3 and math.type(integer(3.0)) == "float")
assert(fails(function() integer(3.5) end):find("expected integer, got number", 1, true))
assert(integer(2^70) == 2^70)
assert(fails(function() integer(math.huge) end) and fails(function() integer(0/0) end))
assert(number(1.5) == 1.5 and boolean(false) == false)
assert(fails(function() boolean(nil) end):find("expected boolean, got nil", 1, true))
assert(fails(function() number("1") end):find("expected number, got string", 1, true))
assert(fails(function() string() end):find("type string expects at least 1 argument", 1, true))
assert(string:kind() == "string" and integer:name() == "integer")
local v, err = integer:is(3)
assert(v == 3 and err == nil)
v, err = number.is("x")
assert(v == nil and err:message() == "expected number, got string")

-- The library is untouched.
assert(string.rep("a", 2) == "aa" and ("x"):upper() == "X" and type(string) == "table")
assert(string.upper("a") == "A" and string.nothing == nil)
assert(number == nil and integer == nil and boolean == nil)

-- Names of their own.
assert(type(Number) == "type" and type(String) == "type" and type(Integer) == "type" and type(Boolean) == "type")
assert(String("a") == "a" and tostring(Integer) == "integer")
local is_string = string.is
assert(is_string("x") == "x" and select(2, is_string(1)):kind() == "Invalid")

-- What the program defines wins.
assert(load("function number(x) return x .. '!' end return number('a')", "=c", "t", {})() == "a!")
assert(load("Number = 5 return Number", "=c", "t", {})() == 5)
assert(load("local integer = function() return 'mine' end return integer(1)")() == "mine")
local env = {string = setmetatable({}, {__call = function(_, x) return "called " .. x end})}
assert(load("return string(5)", "=c", "t", env)() == "called 5")
env = {string = {is = function(_, x) return "is " .. x end}}
assert(load("return string:is(5)", "=c", "t", env)() == "is 5")
-- Assigning to the library is assigning to the library.
env = {string = {}}
load("string.is = 5 function string.kind() return 'k' end", "=c", "t", env)()
assert(env.string.is == 5 and env.string.kind() == "k")
