-- oracle: none
-- budget: 10s 512MiB
-- flags: --memory-limit 256M
-- Memory beyond the limit is a catchable error and the program goes on.
local function e(f) local ok, m = pcall(f) assert(not ok and tostring(m):find("not enough memory"), tostring(m)) end
e(function() return ("x"):rep(1 << 30) end) e(function() return ("xy"):rep((1 << 30) - 1) end) e(function()
local t = {} for i = 1, math.maxinteger do t[i] = ("x"):rep(100000) .. i end end) e(function()
local s = "x" while true do s = s .. s end end) e(function()
local t = {} while true do t = { t } end end) e(function()
local t = {} for i = 1, 1 << 40 do t[i] = i end end) e(function() return table.concat(setmetatable({}, { __len = function() return 1 << 40 end, __index = function() return ("x"):rep(10000) end })) end) e(function()
local t = {} for i = 1, 1 << 40 do t[#t + 1] = coroutine.create(function() end) end end) e(function()
local t = {} for i = 1, 1 << 40 do t[i] = function() return i end end end)
collectgarbage() local t = {} for i = 1, 100000 do t[i] = { i } end assert(#t == 100000) print("ok")
