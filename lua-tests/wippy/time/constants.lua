-- The module's table.
local time = require("time")
assert(time == require("time") and package.loaded.time == time and type(time) == "table")
assert(time.NANOSECOND == 1 and time.MICROSECOND == 1000 and time.MILLISECOND == 1000000)
assert(time.SECOND == 1000000000 and time.MINUTE == 60000000000 and time.HOUR == 3600000000000)
for i, name in ipairs({"JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER", "OCTOBER",
  "NOVEMBER", "DECEMBER"}) do
  assert(time[name] == i)
end
for i, name in ipairs({"SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"}) do
  assert(time[name] == i - 1)
end
local t = time.date(2024, 12, 9, 15, 4, 5, 123000000, time.fixed_zone("CET", 3600))
for name, shown in pairs({
  RFC3339 = "2024-12-09T15:04:05+01:00",
  RFC3339NANO = "2024-12-09T15:04:05.123+01:00",
  RFC822 = "09 Dec 24 15:04 CET",
  RFC822Z = "09 Dec 24 15:04 +0100",
  RFC850 = "Monday, 09-Dec-24 15:04:05 CET",
  RFC1123 = "Mon, 09 Dec 2024 15:04:05 CET",
  RFC1123Z = "Mon, 09 Dec 2024 15:04:05 +0100",
  KITCHEN = "3:04PM",
  STAMP = "Dec  9 15:04:05",
  STAMP_MILLI = "Dec  9 15:04:05.123",
  STAMP_MICRO = "Dec  9 15:04:05.123000",
  STAMP_NANO = "Dec  9 15:04:05.123000000",
  DATE_TIME = "2024-12-09 15:04:05",
  DATE_ONLY = "2024-12-09",
  TIME_ONLY = "15:04:05",
}) do
  assert(t:format(time[name]) == shown, name)
end
assert(time.DATE_ONLY == "2006-01-02")
assert(tostring(time.utc) == "UTC" and time.utc:string() == "UTC" and time.localtz:string() == "Local")
for _, change in ipairs({function() time.now = nil end, function() time.x = 1 end, function() rawset(time, "x", 1) end}) do
  local ok, message = pcall(change)
  assert(not ok and message:find("attempt to modify", 1, true), message)
end
local count = 0
for _ in pairs(time) do count = count + 1 end
assert(count > 45)
