-- errors.new: both forms, and what is kept of the table.
local constants = {
  NOT_FOUND = "NotFound", ALREADY_EXISTS = "AlreadyExists", INVALID = "Invalid",
  PERMISSION_DENIED = "PermissionDenied", UNAVAILABLE = "Unavailable", INTERNAL = "Internal",
  CANCELED = "Canceled", CONFLICT = "Conflict", TIMEOUT = "Timeout", RATE_LIMITED = "RateLimited", UNKNOWN = "",
}
for name, value in pairs(constants) do assert(errors[name] == value, name) end

local e = errors.new("m")
assert(e:message() == "m" and e:kind() == "" and e:retryable() == nil and e:details() == nil)
assert(select("#", e:retryable()) == 1)
assert(errors.new("a", "b"):message() == "a" and errors.new("a", "b"):kind() == "")
assert(errors.new(errors.new("a")):message() == "a")
assert(errors.new(""):message() == "")

e = errors.new({message = "x", kind = errors.NOT_FOUND, retryable = false, details = {resource = "user", id = 7}})
assert(e:message() == "x" and e:kind() == "NotFound" and e:retryable() == false)
assert(e:details().resource == "user" and e:details().id == 7 and math.type(e:details().id) == "integer")
assert(errors.new({message = "x", retryable = true}):retryable() == true)

-- any string is a kind; other types are ignored
assert(errors.new({message = "m", kind = "custom"}):kind() == "custom")
assert(errors.new({message = "m", kind = 5}):kind() == "")
assert(errors.new({message = "m", retryable = "yes"}):retryable() == nil)
assert(errors.new({message = "m", details = "yes"}):details() == nil)

-- what is no error
local function fails(text, ...)
  local ok, message = pcall(errors.new, ...)
  assert(not ok and type(message) == "string", message)
  assert(message:find(text, 1, true), message)
end
fails("message field is required", {kind = "X"})
fails("message must be a string", {message = 5})
fails("bad argument #1 to 'errors.new' (expected string or table)", 5)
fails("expected string or table", nil)
fails("expected string or table")
fails("expected string or table", true)
fails("expected string or table", io.stdout)

-- the library
assert(errors == require("errors") and package.loaded.errors == errors and type(errors) == "table")
for _, change in ipairs({
  function() errors.NEW = 1 end,
  function() errors.new = nil end,
  function() errors[1] = 1 end,
  function() rawset(errors, "NEW", 1) end,
  function() rawset(errors, "new", 1) end,
  function() table.insert(errors, 1) end,
}) do
  local ok, message = pcall(change)
  assert(not ok and message:find("attempt to modify", 1, true), message)
end
assert(not pcall(setmetatable, errors, {}))
assert(type(getmetatable(errors)) ~= "table")
assert(errors.NEW == nil and type(errors.new) == "function" and #errors == 0)
local names = {}
for name in pairs(errors) do names[#names + 1] = name end
table.sort(names)
assert(table.concat(names, " ") == "ALREADY_EXISTS CANCELED CONFLICT INTERNAL INVALID NOT_FOUND PERMISSION_DENIED "
  .. "RATE_LIMITED TIMEOUT UNAVAILABLE UNKNOWN call_stack is new wrap")
local errors = setmetatable({}, {__index = errors})
assert(errors.new("inherited"):message() == "inherited")
