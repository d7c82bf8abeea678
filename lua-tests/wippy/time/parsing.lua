-- Texts to times.
local time = require("time")
local utc = time.utc
local function fails(...)
  local value, err = time.parse(...)
  assert(value == nil and err:kind() == "Invalid" and err:retryable() == false, (...))
  return err:message()
end
fails("2006-01-02", "nope")
fails("2006-01-02", "2024-02-30")
fails("2006-01-02", "2024-1-2")
fails("2006-01-02", "2024-01-02 ")
fails("2006-01-02 15:04", "2024-01-02")
fails("15:04", "24:00")
fails("", "x")
assert(time.parse("2006-1-2", "2024-01-02", utc):unix() == 1704153600)
assert(time.parse("15:04:05", "10:11:12.5", utc):nanosecond() == 500000000)
local t = time.parse("15:04:05", "10:11:12", utc)
assert(t:year() == 0 and t:month() == 1 and t:day() == 1)
assert(time.parse("", "", utc):format(time.DATE_TIME) == "0000-01-01 00:00:00")

-- zones
local east = time.parse(time.RFC3339, "2024-01-02T03:04:05+02:00")
assert(east:unix() == time.parse(time.RFC3339, "2024-01-02T01:04:05Z"):unix())
assert(east:location():string() == "" and east:format("MST -07:00") == "+0200 +02:00" and east:hour() == 3)
assert(time.parse(time.RFC3339, "2024-01-02T01:04:05Z"):location():string() == "UTC")
local new_york = time.load_location("America/New_York")
assert(time.parse(time.RFC3339, "2024-01-02T03:04:05-05:00", new_york):location():string() == "America/New_York")
assert(time.parse(time.RFC3339, "2024-07-02T03:04:05-05:00", new_york):location():string() == "")
assert(time.parse("2006-01-02 15:04", "2024-07-02 12:00", new_york):utc():hour() == 16)
assert(time.parse("2006-01-02 15:04", "2024-07-02 12:00"):location():string() == "Local")
local est = time.parse("2006-01-02 15:04 MST", "2024-01-02 12:00 EST", new_york)
assert(est:location():string() == "America/New_York" and est:utc():hour() == 17)
assert(time.parse("2006-01-02 15:04 MST", "2024-01-02 12:00 EDT", new_york):utc():hour() == 16)
local unknown = time.parse("2006-01-02 15:04 MST", "2024-01-02 12:00 XYZ", new_york)
assert(unknown:location():string() == "XYZ" and unknown:utc():hour() == 12 and unknown:format("MST -07") == "XYZ +00")
assert(time.parse("15:04 MST", "12:00 UTC", new_york):location():string() == "UTC")
assert(time.parse("15:04 MST", "12:00 CET", time.fixed_zone("CET", 3600)):utc():hour() == 11)

-- arguments
assert(not pcall(time.parse, "2006", "2024", "UTC") and not pcall(time.parse, "2006", "2024", nil))
assert(not pcall(time.parse, "2006") and not pcall(time.parse) and not pcall(time.parse, {}, "2024"))
assert(time.parse("2006", errors.new("2024"), utc):year() == 2024)

-- locations
for name, k in pairs({[""] = "Invalid", ["Invalid/Location"] = "NotFound", ["../etc/passwd"] = "NotFound",
  ["/etc/localtime"] = "NotFound", ["\\x"] = "NotFound", ["\255"] = "NotFound", ["america/new_york"] = "NotFound"}) do
  local value, err = time.load_location(name)
  assert(value == nil and err:kind() == k and err:retryable() == false, name)
end
assert(select(2, time.load_location("")):message():find("empty location name", 1, true))
assert(new_york:string() == "America/New_York" and tostring(new_york) == "America/New_York")
assert(time.load_location("UTC"):string() == "UTC" and time.load_location("Local"):string() == "Local")
assert(time.load_location("Etc/GMT+5"):string() == "Etc/GMT+5")
assert(time.fixed_zone("EST", -5 * 3600):string() == "EST")
assert(not pcall(time.fixed_zone, "EST") and not pcall(time.fixed_zone, 1, 1) and not pcall(time.fixed_zone, "EST", "1"))
assert(not pcall(time.load_location) and not pcall(time.fixed_zone, ("x"):rep(300), 0))
