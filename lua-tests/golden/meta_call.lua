-- oracle: lua5.3
-- __call: extra arguments, chains, results, tail calls.
local t = setmetatable({}, { __call = function(self, ...) return select("#", ...), ... end })
print(t(), t(1), t(nil, nil), (t(1, 2)), t{ } == 1, t"s")
local inner = setmetatable({}, { __call = function(self, a, b) return "inner", b end })
print(pcall(function() local outer = setmetatable({}, { __call = inner }) return outer(5) end))
print(pcall(setmetatable({}, { __call = function(_, x) error(x, 0) end }), "raised"))
local function tail(n) if n == 0 then return "done" end return setmetatable({}, { __call = function(_, m) return tail(m) end })(n - 1) end
print(tail(1000))
print(pcall(setmetatable({}, { __call = 5 })), pcall({}))
local o = { m = setmetatable({}, { __call = function(self, obj, x) return obj.v + x end }), v = 10 } print(o:m(5))
print(table.unpack({ (setmetatable({}, { __call = function(...) return ... end }))(1, 2) }, 2))
print(string.gsub("abc", "%w", "%0%0"), pcall(string.gsub, "abc", "%w", setmetatable({}, { __call = function() return "x" end })))
