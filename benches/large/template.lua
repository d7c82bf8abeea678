-- A template engine: templates become Lua source, are loaded as functions and render lists of records with escaping.
local function escape(value)
  return (tostring(value):gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

local function compile(name, source)
  local code = { "local data, out, escape, filters = ...\nlocal n = #out\n" }
  local at = 1
  while true do
    local from, to, kind, body = source:find("{([{%%])%s*(.-)%s*[}%%]}", at)
    local text = source:sub(at, (from or 0) - 1)
    if text ~= "" then code[#code + 1] = ("n = n + 1 out[n] = %q\n"):format(text) end
    if not from then break end
    if kind == "%" then
      local loop, list = body:match("^for (%w+) in ([%w_.]+)$")
      if loop then
        code[#code + 1] = ("for index, %s in ipairs(data.%s or {}) do local index = index\n"):format(loop, list)
      elseif body:match("^if ") then
        code[#code + 1] = body .. " then\n"
      elseif body == "else" then
        code[#code + 1] = "else\n"
      else
        code[#code + 1] = "end\n"
      end
    else
      local value, filter = body:match("^(.-)%s*|%s*(%w+)$")
      local expression = value and ("filters.%s(%s)"):format(filter, value) or body
      code[#code + 1] = ("n = n + 1 out[n] = escape(%s)\n"):format(expression)
    end
    at = to + 1
  end
  return assert(load(table.concat(code), "=" .. name, "t", { ipairs = ipairs }))
end

local filters = {
  upper = string.upper,
  title = function(s) return (s:gsub("(%a)([%w_']*)", function(a, b) return a:upper() .. b:lower() end)) end,
  money = function(cents) return ("%d.%02d"):format(cents // 100, cents % 100) end,
  reverse = string.reverse,
}

local page = [[
<html><head><title>{{ data.title | title }}</title></head><body>
<h1>{{ data.title | upper }}</h1>
<table>
{% for row in rows %}<tr class="{% if index % 2 == 0 %}even{% else %}odd{% end %}">
<td>{{ index }}</td><td>{{ row.name | title }}</td><td>{{ row.price | money }}</td>
{% if row.note %}<td>{{ row.note }}</td>{% else %}<td>-</td>{% end %}</tr>
{% end %}</table>
<p>{{ #data.rows }} rows & {{ data.footer }} {{ data.footer | reverse }}</p>
</body></html>
]]

local rows = {}
for i = 1, 60 do
  rows[i] = {
    name = "article number " .. i, price = i * 1234 % 99999,
    note = i % 3 == 0 and "less <than> \"" .. i .. "\" & more" or nil,
  }
end

local size, check = 0, 0
for round = 1, 150 do
  local render = compile("page" .. round, page)
  for copy = 1, 6 do
    local out = {}
    render({ title = "price list no " .. round, rows = rows, footer = "copy " .. copy }, out, escape, filters)
    local text = table.concat(out)
    size = size + #text
    for i = 1, #text, 97 do check = (check * 31 + text:byte(i)) % 1000000007 end
  end
end
print(size, check)
