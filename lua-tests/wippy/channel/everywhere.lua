-- Waiting works wherever Lua code runs.
local ch, back = channel.new(), channel.new()
coroutine.spawn(function() local n = 0 while true do n = n + 1 ch:send(n) end end)
local last = 0
local function wait()
  local v, ok = ch:receive()
  assert(ok and v == last + 1)
  last = v
  return v
end

-- protected calls
local ok, v = pcall(function() return (ch:receive()) end)
last = last + 1
assert(ok == true and v == 1)
ok, v = pcall(function() wait() error("after") end)
assert(not ok and v == "everywhere.lua:16: after")
ok, v = pcall(pcall, pcall, function() wait() error({}) end)
assert(ok)
ok, v = xpcall(function() wait() error("x", 0) end, function(m) return m .. wait() end)
assert(not ok and v == "x" .. last)
ok, v = pcall(ch.receive, ch)
last = last + 1
assert(ok and v == last)
assert(select("#", xpcall(ch.receive, print, ch)) == 3)
last = last + 1

-- metamethods
local mt = {}
for _, event in ipairs{"add", "sub", "mul", "div", "mod", "pow", "unm", "idiv", "band", "bor", "bxor", "shl", "shr",
  "bnot", "concat", "len", "call"} do
  mt["__" .. event] = function() return wait() end
end
function mt.__eq() return wait() > 0 end
function mt.__lt() return wait() < 0 end
function mt.__le() return wait() > 0 end
function mt.__index(_, k) return k .. wait() end
function mt.__newindex(t, k, v) rawset(t, k, v + wait()) end
function mt.__tostring() return "n" .. wait() end
function mt.__pairs(t) wait() return next, {1}, nil end
local a, b = setmetatable({}, mt), setmetatable({}, mt)
local before = last
for i, result in ipairs{
  a + 1, 1 - a, a * a, a / 1, a % 1, a ^ 1, -a, a // 1, a & 1, a | 1, a ~ 1, a << 1, a >> 1, ~a, a .. "s", #a, a(1),
} do assert(result == before + i) end
assert(a == b and not (a < b) and a <= b and not (a > b) and a >= b and not (a ~= b))
assert(a.k == "k" .. last)
a.n = 100
assert(rawget(a, "n") == 100 + last)
assert(tostring(a) == "n" .. last and ("%s|%s"):format(b, b) == "n" .. last - 1 .. "|n" .. last)
for k, v in pairs(a) do assert(k == 1 and v == 1) end
local chain = setmetatable({}, {__index = setmetatable({}, {__index = a})})
assert(chain.deep == "deep" .. last)
assert("x" .. a .. "y" and {[a.key] = 1})
local s = "a" .. "b" .. a .. "c" .. "d"
assert(s == "ab" .. last or type(s) == "number")

-- iterators
local seen = 0
for v in ch.receive, ch do
  last = v
  seen = seen + 1
  if seen == 3 then break end
end
for i, w in (function(_, i) if i < 3 then return i + 1, wait() end end), nil, 0 do assert(w == last) end

-- functions that call back
local list = {}
for i = 1, 50 do list[i] = (i * 37) % 50 end
table.sort(list, function(x, y) if (x + y) % 5 == 0 then wait() end return x < y end)
for i = 1, 50 do assert(list[i] == i - 1) end
local text, n = ("a-b-c"):gsub("%a", function(c) wait() return c:upper() end)
assert(text == "A-B-C" and n == 3)
assert(("$x"):gsub("%$(%w)", setmetatable({}, {__index = function() return wait() end})) == tostring(last))
local pieces = {"return ", "7"}
local at = 0
assert(load(function() wait() at = at + 1 return pieces[at] end)() == 7)
package.preload.waits = function(name) wait() return {name = name} end
assert(require("waits").name == "waits")
package.searchers[#package.searchers + 1] = function() wait() return function() return wait() end end
assert(require("searched") == last)
assert(table.concat(setmetatable({}, {__len = function() wait() return 2 end, __index = function() return wait() end}))
  == last - 1 .. last)
local moved = table.move(setmetatable({}, {__index = function() return wait() end}), 1, 2, 1, {})
assert(moved[2] == last)
assert(table.unpack(setmetatable({}, {__index = function() return wait() end}), 1, 1) == last)
assert(tostring(setmetatable({}, {__tostring = function() return "t" .. wait() end})) == "t" .. last)
assert(select(2, ipairs(setmetatable({}, {__index = function() wait() end}))) ~= nil)
for _ in ipairs(setmetatable({}, {__index = function() wait() end})) do end
assert(coroutine.wrap(function() return wait() end)() == last)
io.write("") print(setmetatable({}, {__tostring = function() wait() return "printed" end}))

-- where it does not
local why
setmetatable({}, {__gc = function() why = select(2, pcall(ch.receive, ch)) end})
collectgarbage() collectgarbage()
assert(tostring(why):find("finalizer"), why)
debug.sethook(function() debug.sethook() why = select(2, pcall(ch.receive, ch)) end, "l")
local _ = 1
debug.sethook()
assert(tostring(why):find("hook"), why)
setmetatable({}, {__gc = function()
  local buffered = channel.new(1)
  buffered:send(1)
  why = buffered:receive()
end})
collectgarbage() collectgarbage()
assert(why == 1, "what needs no waiting is allowed")

-- a hook goes on counting across waits
local lines = 0
debug.sethook(function() lines = lines + 1 end, "l")
wait()
wait()
debug.sethook()
assert(lines >= 2)

-- deep recursion, then a wait at the bottom
local function deep(n) if n == 0 then return wait() end return (deep(n - 1)) end
assert(deep(10000) == last)
