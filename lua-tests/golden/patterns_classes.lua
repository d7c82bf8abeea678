-- oracle: lua5.3
-- Which bytes belong to which class.
local function class(p) local t = {} local from for b = 0, 256 do local hit = b < 256 and string.char(b):find("^" .. p .. "$") ~= nil if hit and not from then from = b elseif not hit and from then t[#t + 1] = from == b - 1 and from or from .. "-" .. b - 1 from = nil end end return table.concat(t, " ") end
for c in ("acdglpsuwx"):gmatch(".") do print("%" .. c, class("%" .. c)) print("%" .. c:upper(), class("%" .. c:upper())) end
for _, p in ipairs { ".", "[a-z]", "[^a-z]", "[%a_]", "[^%s%d]", "[]]", "[^]]", "[a-]", "[-a]", "[%-x]", "[a-c-e]", "[%a-z]", "[z-a]", "%.", "%%", "[.]", "[%]]", "[\0-\31]", "[%w%-]", "[+--]", "[^\n]", "%z", "[a%]", } do print(p, pcall(class, p)) end
