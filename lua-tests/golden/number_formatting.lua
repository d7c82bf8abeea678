-- oracle: lua5.3
-- How print, tostring and .. show numbers.
local list = { 0, -0.0, 1, -1, 1.0, -1.5, 100, 1e2, 1e14, 1e15, 1e16, 1e17, 123456789012345678, 0.1, 1 / 3, -1 / 3,
  1e-5, 1e-4, 123456.789e3, 2 ^ 53, 2 ^ 63, -2 ^ 63, 2 ^ 64, 1e100, 1e300 * 10, -1e300 * 10, 3.14159265358979,
  5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e15 + 0.5, 99999999999999.9, 999999999999999.9,
  math.maxinteger, math.mininteger, math.pi, -math.pi, 12345678901234.5, 0.1 + 0.2, 100 // 1.0, 1e14 / 10 }
for _, v in ipairs(list) do print(v, tostring(v), v .. "", string.format("%.14g", v), string.format("%.17g", v)) end
