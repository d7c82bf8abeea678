-- Durations in all their forms.
local time = require("time")
local d = time.parse_duration
assert(d("1h30m"):minutes() == 90 and math.type(d("1h30m"):minutes()) == "integer")
assert(d("1.5h"):minutes() == 90 and d(".5s"):milliseconds() == 500 and d("-1m"):seconds() == -60 and d("+1m"):seconds() == 60)
assert(d("0"):nanoseconds() == 0 and d("1us"):nanoseconds() == 1000 and d("1µs"):nanoseconds() == 1000)
assert(d(time.SECOND):seconds() == 1 and d(1.9):nanoseconds() == 1 and d(-1.9):nanoseconds() == -1)
assert(d(d("90s")):seconds() == 90)
assert(d("1500ms"):seconds() == 1.5 and d("90m"):hours() == 1.5 and d("1ns"):microseconds() == 0)
assert(d("-1500ns"):microseconds() == -1 and d("2h"):milliseconds() == 7200000)
for text, shown in pairs({
  ["90s"] = "1m30s", ["1h30m45s"] = "1h30m45s", ["1h"] = "1h0m0s", ["1500ms"] = "1.5s", ["500ms"] = "500ms",
  ["2us"] = "2µs", ["1ns"] = "1ns", ["0"] = "0s", ["-90s"] = "-1m30s", ["61.5s"] = "1m1.5s", ["1500us"] = "1.5ms",
}) do
  assert(tostring(d(text)) == shown, text)
end
for _, wrong in ipairs({"1d", "", "5", "1 h", "h", "-", " 1s", "1h-1m", "9999999999h", {}, true, 1e19, 0 / 0, time.now(), print}) do
  local value, err = d(wrong)
  assert(value == nil and err:kind() == "Invalid" and err:retryable() == false, tostring(wrong))
  assert(err:message():find("invalid duration", 1, true))
end
assert(select("#", d()) == 2 and d() == nil and errors.is(select(2, d(nil)), errors.INVALID))
local e = errors.new("2m")
assert(d(e):minutes() == 2)
assert(d("1s") ~= d("1s") and not pcall(function() return d("1s") + d("1s") end))
