-- oracle: lua5.3
-- Tail calls of objects with __call take no stack; print calls tostring; load shows its reader's errors to the handler around it.
local t t = setmetatable({}, {__call = function(self, n) if n == 0 then return "done" end return self(n-1) end})
print(pcall(t, 3000000))
local function f(n) if n == 0 then print(debug.traceback()) return "done" end return t(n - 1) end
getmetatable(t).__call = function(self, n) return f(n) end
print(f(3))
print(xpcall(function() print(load(function() error("r") end)) return 1 end, function(m) return "H:" .. m end))
print(xpcall(function() print(load(function() error({}) end)) return 1 end, function(m) return type(m) end))
print(xpcall(function() print(pcall(load, function() error("r") end)) return 1 end, function(m) return "H:" .. m end))
print(xpcall(function() print(type(load(function() return load(function() error("r") end) and "x" end))) return 1 end, function(m) return "H:" .. m end))
print(xpcall(function() print(load("x x")) return 1 end, function(m) return "H:" .. m end))
print(xpcall(function() print(load(function() local x = nil; return x.y end)) return 1 end, function(m) return debug.traceback(m) end))
local co = coroutine.wrap(function() print(load(function() error("in co") end)) return 1 end)
print(xpcall(co, function(m) return "H:" .. m end))
local T = setmetatable({}, {__tostring = function() error("ts") end})
print(pcall(print, T)) print(pcall(function() print(T) end))
T = setmetatable({}, {__tostring = function() return 1 end})
print(pcall(print, T)) print(pcall(function() print(T) end))
T = setmetatable({}, {__tostring = function() return {} end})
print(pcall(print, T)) print(pcall(function() print(T) end)) print(pcall(function() tostring(T) end))
tostring = function(x) return "<" .. type(x) .. ">" end print(T, 1, nil)
tostring = function(x) return "5" end print(T, 1)
tostring = function(x) return nil end io.write(select(2, pcall(print, 1)), "\n") tostring = nil io.write(select(2, pcall(print, 1)), "\n")
