-- Validating a record of eight fields with a list of ten strings: by its type, and by a checker written in Lua for the same
-- rules. Prints nanoseconds for each and how they compare.
--
--   wippy run benches/types/validate.lua

type Record = {
  id: string,
  name: string,
  email: string,
  age: integer,
  score: number,
  active: boolean,
  note?: string,
  tags: {string},
}

local function mismatch(field, expected, got)
  return nil, field .. ": expected " .. expected .. ", got " .. type(got)
end

local function check(v)
  if type(v) ~= "table" then return mismatch("record", "table", v) end
  local id = rawget(v, "id")
  if type(id) ~= "string" then return mismatch("id", "string", id) end
  local name = rawget(v, "name")
  if type(name) ~= "string" then return mismatch("name", "string", name) end
  local email = rawget(v, "email")
  if type(email) ~= "string" then return mismatch("email", "string", email) end
  local age = rawget(v, "age")
  if type(age) ~= "number" or age ~= math.floor(age) then return mismatch("age", "integer", age) end
  local score = rawget(v, "score")
  if type(score) ~= "number" then return mismatch("score", "number", score) end
  local active = rawget(v, "active")
  if type(active) ~= "boolean" then return mismatch("active", "boolean", active) end
  local note = rawget(v, "note")
  if note ~= nil and type(note) ~= "string" then return mismatch("note", "string", note) end
  local tags = rawget(v, "tags")
  if type(tags) ~= "table" then return mismatch("tags", "string[]", tags) end
  for i = 1, #tags do
    local tag = rawget(tags, i)
    if tag ~= nil and type(tag) ~= "string" then return mismatch("tags[" .. i .. "]", "string", tag) end
  end
  return v, nil
end

-- The same without `rawget`, as most people would write it.
local function check_plainly(v)
  if type(v) ~= "table" then return mismatch("record", "table", v) end
  if type(v.id) ~= "string" then return mismatch("id", "string", v.id) end
  if type(v.name) ~= "string" then return mismatch("name", "string", v.name) end
  if type(v.email) ~= "string" then return mismatch("email", "string", v.email) end
  if type(v.age) ~= "number" or v.age ~= math.floor(v.age) then return mismatch("age", "integer", v.age) end
  if type(v.score) ~= "number" then return mismatch("score", "number", v.score) end
  if type(v.active) ~= "boolean" then return mismatch("active", "boolean", v.active) end
  if v.note ~= nil and type(v.note) ~= "string" then return mismatch("note", "string", v.note) end
  if type(v.tags) ~= "table" then return mismatch("tags", "string[]", v.tags) end
  for i = 1, #v.tags do
    local tag = v.tags[i]
    if type(tag) ~= "string" then return mismatch("tags[" .. i .. "]", "string", tag) end
  end
  return v, nil
end

-- The same again, tuned: functions in locals, each field read once.
local type, floor = type, math.floor
local function check_tuned(v)
  if type(v) ~= "table" then return mismatch("record", "table", v) end
  local id, name, email, age = v.id, v.name, v.email, v.age
  if type(id) ~= "string" then return mismatch("id", "string", id) end
  if type(name) ~= "string" then return mismatch("name", "string", name) end
  if type(email) ~= "string" then return mismatch("email", "string", email) end
  if type(age) ~= "number" or age ~= floor(age) then return mismatch("age", "integer", age) end
  local score, active, note, tags = v.score, v.active, v.note, v.tags
  if type(score) ~= "number" then return mismatch("score", "number", score) end
  if type(active) ~= "boolean" then return mismatch("active", "boolean", active) end
  if note ~= nil and type(note) ~= "string" then return mismatch("note", "string", note) end
  if type(tags) ~= "table" then return mismatch("tags", "string[]", tags) end
  for i = 1, #tags do
    local tag = tags[i]
    if type(tag) ~= "string" then return mismatch("tags[" .. i .. "]", "string", tag) end
  end
  return v, nil
end

local record = {
  id = "r-1", name = "Ada", email = "ada@example.org", age = 36, score = 9.5, active = true, note = "first",
  tags = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"},
}
assert(Record:is(record) == record and check(record) == record and check_plainly(record) == record
  and check_tuned(record) == record)

local ROUNDS, CALLS = 7, 100000
local function best(f)
  local least = math.huge
  for _ = 1, ROUNDS do
    local start = os.clock()
    f()
    least = math.min(least, os.clock() - start)
  end
  return least / CALLS * 1e9
end

local by_type = best(function() for _ = 1, CALLS do local v, err = Record:is(record) end end)
local by_call = best(function() for _ = 1, CALLS do local v = Record(record) end end)
local by_hand = best(function() for _ = 1, CALLS do local v, err = check(record) end end)
local plainly = best(function() for _ = 1, CALLS do local v, err = check_plainly(record) end end)
local tuned = best(function() for _ = 1, CALLS do local v, err = check_tuned(record) end end)
print(string.format("Record:is(v)               %6.0f ns", by_type))
print(string.format("Record(v)                  %6.0f ns", by_call))
print(string.format("checker in Lua, rawget     %6.0f ns  %.1f times", by_hand, by_hand / by_type))
print(string.format("checker in Lua, fields     %6.0f ns  %.1f times", plainly, plainly / by_type))
print(string.format("checker in Lua, tuned      %6.0f ns  %.1f times", tuned, tuned / by_type))
