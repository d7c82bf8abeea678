-- oracle: lua5.3
-- Yields through pcall, xpcall, metamethods, iterators, tail calls and for loops.
local function run(f, ...) local co = coroutine.create(f) local r = table.pack(coroutine.resume(co, ...)) while coroutine.status(co) ~= "dead" do io.write("  yielded ", tostring(r[2]), "\n") r = table.pack(coroutine.resume(co, "sent")) end print(table.unpack(r, 1, r.n)) end
local y = coroutine.yield
run(function() return pcall(function() return y(1), y(2) end) end) run(function() return pcall(function() y(1) error("after") end) end) run(function() return xpcall(function() y(1) error("after", 0) end, function(m) return "H " .. m end) end)
run(function() return pcall(pcall, pcall, function() y("deep") error("e", 0) end) end)
local mt = {} for _, e in ipairs { "add", "sub", "mul", "div", "mod", "pow", "unm", "idiv", "band", "bor", "bxor", "shl", "shr", "bnot", "concat", "len" } do mt["__" .. e] = function() return y(e) end end
mt.__index = function(_, k) return y("index " .. tostring(k)) end mt.__newindex = function(_, k, v) y("newindex " .. k) end mt.__call = function(_, ...) return y("call"), ... end
mt.__eq = function() return y("eq") end mt.__lt = function() return y("lt") end mt.__le = function() return y("le") end
local a, b = setmetatable({}, mt), setmetatable({}, mt)
run(function() return a + 1, 1 - a, a * b, a / 1, a % 1, a ^ 1, -a, a // 1 end) run(function() return a & 1, 1 | a, a ~ 1, a << 1, a >> 1, ~a, a .. "x", "x" .. a, #a end)
run(function() local r = a.field a.x = 1 return r, a[1] end) run(function() return a(1, 2) end) run(function() return a == b, a < b, a <= b, a ~= b, a > b, a >= b end)
run(function() if a < b then return "then" else return "else" end end) run(function() return "a" .. "b" .. a .. "c" .. "d" end) run(function() local t = { a.x, a.y } return #t end)
mt.__le = nil run(function() return a <= b, b >= a end)
run(function() for i in function(_, i) i = (i or 0) + 1 y("iter " .. i) if i < 3 then return i end end do end return "loop done" end)
run(function() return (function() return y("tail") end)() end) run(function() for k, v in pairs(setmetatable({}, { __pairs = function(t) y("pairs") return next, { 1 }, nil end })) do y(k) end end)
run(function() return select("#", table.unpack { y("args"), y("more") }) end) run(function() return dofile("_yields.lua") end) run(function() local ok, m = pcall(require, "_requires") return ok end)
