-- Errors: raising, catching, adding to them, and cleaning up.

-- An error is any value; `pcall` turns it into a result.
print(pcall(error, "just a message", 0))
print(select(2, pcall(function() local t = nil; return t.field end)))

-- Functions that fail in expected ways return nil and a message; `assert` turns that into an error.
local function parse_age(text)
  local age = math.tointeger(tonumber(text))
  if not age then
    return nil, "not a whole number: " .. tostring(text)
  elseif age < 0 then
    return nil, "negative: " .. age
  end
  return age
end

for _, text in ipairs({"42", "-1", "old"}) do
  print(text, parse_age(text))
end
print(pcall(function() return assert(parse_age("old")) end))

-- A table as error carries more than words; __tostring is what an uncaught one shows.
local HttpError = {}
HttpError.__index = HttpError
HttpError.__tostring = function(e) return "status " .. e.status .. ": " .. e.reason end

local function fetch(path)
  if path ~= "/" then
    error(setmetatable({status = 404, reason = "no " .. path}, HttpError))
  end
  return "welcome"
end

local ok, e = pcall(fetch, "/nowhere")
if not ok and getmetatable(e) == HttpError and e.status == 404 then
  print("handled", e)
end

-- The handler of `xpcall` runs where the error happened, before anything is unwound.
local function with_context(what, f, ...)
  local function handler(message)
    return what .. ": " .. tostring(message)
  end
  return xpcall(f, handler, ...)
end
print(with_context("loading", fetch, "/start"))

-- Closing what was opened, whatever happens in between.
local function using(resource, f)
  local results = table.pack(pcall(f, resource))
  resource.close()
  if not results[1] then
    error(results[2], 0)
  end
  return table.unpack(results, 2, results.n)
end

local resource = {close = function() print("closed") end}
print(pcall(using, resource, function() error("failed inside", 0) end))
