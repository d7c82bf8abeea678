-- oracle: lua5.3
-- budget: 10s 512MiB
-- Recursion through library callbacks: pcall, xpcall, sort, gsub, load, iterators, dofile, require, coroutines.
local function over(name, f) local ok, e = pcall(f)
assert(not ok and (tostring(e):find("overflow") or tostring(e):find("memory") or tostring(e):find("error in error handling")), name .. ": " .. tostring(e)) end
local function s() table.sort({ 2, 1 }, function(a, b) s() return a < b end) end
over("sort", s) local function g() return (("x"):gsub("x", function() return g() end)) end
over("gsub", g) local function l() for x in function() l() end do end end
over("iterator", l) local function td() return tostring(setmetatable({}, { __tostring = td })) end
over("tostring", td) local function ld()
assert(load(function() ld() end)) end
over("load", function() local function r() local f, e = load(function() r() end) if not f then error(e, 0) end end r() end)
local function p() local ok, e = pcall(p) if not ok then error(e, 0) end return 1 end
over("pcall", p) local function x() local ok, e = xpcall(x, function(m) return m end) if not ok then error(e, 0) end return 1 end
over("xpcall", x) local function w() return coroutine.wrap(w)() end
over("wrap", w) local function rs() local ok, e = coroutine.resume(coroutine.create(rs)) if not ok then error(e, 0) end end
over("resume", rs) package.preload.nasty_self = nil package.searchers[#package.searchers + 1] = function(n) if n:find("^nasty_") then return require(n .. "_") end end
over("require", function() require("nasty_a") end)
over("load string", function()
local src = "local s = ... return 1 + load(s)(s)" return load(src)(src) end)
local function h() return xpcall(error, function(m) return h() end, "x") end
local ok = pcall(h)
over("error in handler", function() local function hh(m) error(m) end local ok, e = xpcall(error, hh, "x")
assert(not ok) error("overflow", 0) end)
print("ok")
