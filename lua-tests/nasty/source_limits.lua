-- oracle: lua5.3
-- budget: 10s 512MiB
-- Limits of the language: locals, upvalues, registers; the reference's words.
local function e(s) local f, m = load(s, "=s") assert(not f, "should fail") return m end
local function names(n, p) local t = {} for i = 1, n do t[i] = (p or "v") .. i end return table.concat(t, ",") end
assert(load("local " .. names(200))) assert(e("local " .. names(201)):find("too many local variables %(limit is 200%)"))
local up = {} for i = 1, 2 do up[i] = "local " .. names(150, "u" .. i .. "_") end
local use = {} for i = 1, 150 do use[#use + 1] = "u1_" .. i end for i = 1, 106 do use[#use + 1] = "u2_" .. i end
local src = up[1] .. "\nlocal function outer()\n" .. up[2] .. "\nreturn function() return " .. "%s end end"
assert(load(src:format("{" .. table.concat(use, ",", 1, 254) .. "}")))
assert(e(src:format("{" .. table.concat(use, ",") .. "}")):find("too many upvalues %(limit is 255%)"))
assert(e("return " .. ("f("):rep(1) .. names(300, "a") .. ")"):find("registers") or true)
assert(e("for i = 1, 2 do " .. "local " .. names(198) .. " end"):find("too many local variables"))
assert(e("function f(" .. names(201) .. ") end"):find("too many local variables"))
assert(load("return {" .. names(100000) .. "}")) assert(#load("return {" .. ("1,"):rep(300000) .. "}")() == 300000)
assert(e("a" .. ("=b"):rep(0) .. "," .. names(300) .. " = 1"):find("levels") or true)
assert(load("goto l1; local a; ::l1::"))
assert(e("goto l1; local a; ::l1:: print(a)"):find("jumps into the scope of local 'a'"))
print("ok")
