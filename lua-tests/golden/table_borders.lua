-- Which border `#` finds in tables that have several, fresh from a constructor, table.pack or variable arguments.
local none
print(#{1, nil, 3, nil}, #{nil, 2, nil}, #{nil, nil, 3}, #{n = 1, nil, 2}, #{1, 2, 3, nil, 5, nil}, #{1, 2, nil, nil, 5})
print(#{nil}, #{nil, nil}, #{none, none, none}, #{1, none}, #{none, 1}, #{1, none, none, 4, none}, #{none, none, 3, none})
print(#table.pack(nil, false, {}), #table.pack(1, nil, 3), #table.pack(1, nil), #table.pack(nil, 2, nil, 4), #table.pack(nil, nil))
print(table.pack(nil, nil).n, #table.pack(), next(table.pack()))
local function pack(...) return {...}, #{...}, #{0, ...} end
local function borders(...) local _, a, b = pack(...) print(a, b) end
borders(1, nil, 3, nil) borders(nil, 2, nil) borders(nil, nil, 3) borders(1, 2, nil, 4, nil, 6, nil, nil) borders(nil) borders()
for n = 1, 16 do
  local text = {}
  for mask = 1, 8 do
    local items = {}
    for i = 1, n do items[i] = (i * 7919 * mask) % 11 < 4 and "nil" or "1" end
    items[n] = "nil"
    text[mask] = #load("return {" .. table.concat(items, ",") .. "}")()
  end
  print(n, table.concat(text, " "))
end
-- A stack whose top is removed.
local t = {1, 2, 3, 4, 5}
for i = 5, 1, -1 do t[i] = nil io.write(#t, " ") end
t = {1, 2, 3, none}
for i = 1, 4 do t[#t + 1] = i io.write(#t, " ") end
for i = 1, 4 do t[#t] = nil io.write(#t, " ") end
print()
