-- Time values: fields, arithmetic, comparison.
local time = require("time")
local utc = time.utc
local t = time.date(2024, 12, 29, 15, 4, 5, 0, utc)
assert(type(t) == "userdata" and math.type(t:year()) == "integer")
assert(t:year() == 2024 and t:month() == 12 and t:day() == 29 and t:hour() == 15 and t:minute() == 4 and t:second() == 5)
assert(t:nanosecond() == 0 and t:weekday() == time.SUNDAY and t:year_day() == 364)
assert(table.concat({t:date()}, " ") == "2024 12 29" and table.concat({t:clock()}, " ") == "15 4 5")
assert(t:unix() == 1735484645 and t:unix_nano() == 1735484645000000000)
assert(tostring(t) == "2024-12-29 15:04:05 +0000 UTC")
assert(tostring(time.date(2024, 1, 2, 3, 4, 5, 60070000, time.fixed_zone("X", -5400)))
  == "2024-01-02 03:04:05.06007 -0130 X")

-- fields out of range, and of other types
assert(time.date(2024, 13, 32, 25, 61, 0, 0, utc):format(time.DATE_TIME) == "2025-02-02 02:01:00")
assert(time.date(2024, 3, 0, 0, 0, -1, 0, utc):format(time.DATE_TIME) == "2024-02-28 23:59:59")
assert(time.date(2024, 1, 1, 0, 0, 0, -1, utc):nanosecond() == 999999999)
assert(time.date(2024.9, 1.9, 1.9, 0, 0, 0, 0, utc):format(time.DATE_ONLY) == "2024-01-01")
assert(not pcall(time.date, 2024, 1, 1, 0, 0, 0) and not pcall(time.date, "2024", 1, 1, 0, 0, 0, 0, utc))
assert(not pcall(time.date, 2024, 1, 1, 0, 0, 0, 0, "UTC") and not pcall(time.date))
assert(time.date(2024, 1, 1, 0, 0, 0, 0):location():string() == "Local")
for _, far in ipairs({math.maxinteger, math.mininteger, 1e300, -1e300, 0 / 0}) do
  assert(#tostring(time.date(far, far, far, far, far, far, far, utc)) > 0)
  assert(#tostring(time.unix(far, far):utc()) > 0)
end

-- unix
assert(time.unix(1735484645, 0):utc():hour() == 15 and time.unix(0, 0):location():string() == "Local")
assert(time.unix(1, -1):utc():nanosecond() == 999999999 and time.unix(1, 2500000000):unix() == 3)
assert(time.unix(-1, 0):utc():year() == 1969 and time.unix(1.9, 0):unix() == 1)
assert(not pcall(time.unix, 1) and not pcall(time.unix, "1", 0) and not pcall(time.unix))

-- arithmetic
local half = time.parse_duration("30m")
for _, d in ipairs({"30m", 30 * time.MINUTE, half, 30.0 * time.MINUTE}) do
  assert(t:add(d):format("15:04:05") == "15:34:05")
end
assert(t:add("-1ns"):nanosecond() == 999999999 and t:add(0):equal(t))
for _, wrong in ipairs({{}, "1d", "", true, t, 0 / 0, 1e300}) do
  local ok, message = pcall(t.add, t, wrong)
  assert(not ok and message:find("invalid duration", 1, true), message)
end
assert(not pcall(t.add, t) and not pcall(t.add) and not pcall(t.add, "x", 1))
local later = t:add("1h")
assert(later:sub(t):hours() == 1 and t:sub(later):hours() == -1 and math.type(later:sub(t):hours()) == "integer")
assert(time.date(3000, 1, 1, 0, 0, 0, 0, utc):sub(time.date(1, 1, 1, 0, 0, 0, 0, utc)):nanoseconds() == math.maxinteger)
assert(time.date(1, 1, 1, 0, 0, 0, 0, utc):sub(time.date(3000, 1, 1, 0, 0, 0, 0, utc)):nanoseconds() == -math.maxinteger)
assert(not pcall(t.sub, t, 1) and not pcall(t.sub, t))
assert(time.date(2024, 1, 31, 12, 0, 0, 0, utc):add_date(0, 1, 0):format(time.DATE_TIME) == "2024-03-02 12:00:00")
assert(time.date(2023, 1, 31, 12, 0, 0, 0, utc):add_date(0, 1, 0):format(time.DATE_ONLY) == "2023-03-03")
assert(t:add_date(-1, -11, -28):format(time.DATE_ONLY) == "2023-01-01")
assert(not pcall(t.add_date, t, 1, 1) and not pcall(t.add_date, t, "1", 1, 1))
assert(not pcall(function() return t + 1 end) and not pcall(function() return t < later end))

-- comparison
local new_york = assert(time.load_location("America/New_York"))
local there = t:in_location(new_york)
assert(t:equal(there) and t ~= there and there:hour() == 10 and there:location():string() == "America/New_York")
assert(there:utc():hour() == 15 and there:in_local():equal(t) and there:in_local():location():string() == "Local")
assert(t:before(later) and not t:before(t) and later:after(t) and not t:after(later) and not t:equal(later))
assert(not pcall(t.before, t, 5) and not pcall(t.in_location, t, "UTC"))

-- zones with seasons
local winter, summer = time.date(2024, 1, 15, 12, 0, 0, 0, new_york), time.date(2024, 7, 15, 12, 0, 0, 0, new_york)
assert(winter:utc():hour() == 17 and summer:utc():hour() == 16)
assert(winter:format("MST -07:00") == "EST -05:00" and summer:format("MST -07:00") == "EDT -04:00")
assert(winter:add_date(0, 6, 0):equal(summer))

-- round and truncate
local d = time.parse_duration
local r = time.date(2024, 1, 1, 12, 34, 56, 789000000, utc)
assert(r:round(d("1s")):format("15:04:05.999") == "12:34:57" and r:truncate(d("1m")):format("15:04:05") == "12:34:00")
assert(r:round(d("2s")):second() == 56 and time.date(2024, 1, 1, 0, 0, 0, 500, utc):round(d("1us")):nanosecond() == 1000)
assert(r:truncate(d("0s")):equal(r) and r:round(d("-1s")):equal(r))
assert(not pcall(r.round, r, 123) and not pcall(r.truncate, r, "1s") and not pcall(r.round, r))
assert(r:truncate(d("24h")):format(time.DATE_TIME) == "2024-01-01 00:00:00")
assert(r:truncate(d("168h")):weekday() == time.MONDAY)

-- zero, now
assert(time.date(1, 1, 1, 0, 0, 0, 0, utc):is_zero() and not time.now():is_zero() and not time.unix(0, 0):is_zero())
local a, b = time.now(), time.now()
assert(not b:before(a) and a:location():string() == "Local" and a:year() >= 2024)

-- objects
assert(t.nothing == nil and not pcall(function() t.x = 1 end) and type(getmetatable(t)) ~= "table")
local details = errors.new({message = "m", details = {at = t, d = half}}):details()
assert(details.at == "2024-12-29 15:04:05 +0000 UTC" and details.d == "30m0s")
