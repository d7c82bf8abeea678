-- Times to texts.
local time = require("time")
local t = time.date(2024, 12, 29, 15, 4, 5, 0, time.utc)
assert(t:format("Mon Jan 2 15:04:05 MST 2006") == "Sun Dec 29 15:04:05 UTC 2024")
local f = time.date(2024, 2, 5, 9, 8, 7, 120000000, time.utc)
assert(f:format("15:04:05.000") == "09:08:07.120" and f:format("15:04:05.999") == "09:08:07.12")
assert(t:format("15:04:05.999") == "15:04:05" and t:format("15:04:05,000") == "15:04:05,000")
assert(f:format("06 1 01 January 2 _2 02 002 __2 Monday") == "24 2 02 February 5  5 05 036  36 Monday")
assert(f:format("3 03 4 04 5 05 PM pm") == "9 09 8 08 7 07 AM am")
assert(t:format("Janet 3PM Monat Z07 Z07:00 -0700") == "Janet 3PM Monat Z Z +0000")
assert(t:format_rfc3339() == "2024-12-29T15:04:05Z" and f:format_rfc3339() == "2024-02-05T09:08:07Z")
assert(t:format("") == "" and t:format("no token") == "no token" and t:format("\0\255") == "\0\255")
assert(not pcall(t.format, t) and not pcall(t.format, t, {}) and t:format(errors.new("2006")) == "2024")
for _, layout in ipairs({time.RFC3339NANO, time.RFC1123Z, time.RFC822Z, "Monday, 02-Jan-06 15:04:05 -07:00:00"}) do
  local back = time.parse(layout, t:format(layout))
  assert(math.abs(back:sub(t):seconds()) < 60, layout)
end
