-- Prints any value in a notation close to JSON: keys sorted, strings quoted, cycles named instead of followed.

local escapes = {['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t"}

local function quote(s)
  s = s:gsub('[%c"\\]', function(c)
    return escapes[c] or string.format("\\u%04x", c:byte())
  end)
  return '"' .. s .. '"'
end

-- True if the keys are exactly 1..n.
local function is_list(t)
  local n = 0
  for _ in pairs(t) do
    n = n + 1
  end
  return n == #t
end

-- Numbers before strings before everything else, each in its own order.
local function sorted_keys(t)
  local rank = {number = 1, string = 2}
  local keys = {}
  for key in pairs(t) do
    keys[#keys + 1] = key
  end
  table.sort(keys, function(a, b)
    local ra, rb = rank[type(a)] or 3, rank[type(b)] or 3
    if ra ~= rb then
      return ra < rb
    elseif ra == 3 then
      return tostring(a) < tostring(b)
    end
    return a < b
  end)
  return keys
end

local function show(value, indent, open)
  indent, open = indent or "", open or {}
  if type(value) == "string" then
    return quote(value)
  elseif type(value) ~= "table" then
    return tostring(value)
  elseif open[value] then
    return "<cycle>"
  elseif next(value) == nil then
    return "{}"
  end
  open[value] = true
  local inner, parts = indent .. "  ", {}
  local list = is_list(value)
  if list then
    for i, item in ipairs(value) do
      parts[i] = inner .. show(item, inner, open)
    end
  else
    for i, key in ipairs(sorted_keys(value)) do
      local name = type(key) == "string" and quote(key) or "[" .. show(key, inner, open) .. "]"
      parts[i] = inner .. name .. ": " .. show(value[key], inner, open)
    end
  end
  open[value] = nil
  local first, last = "{", "}"
  if list then
    first, last = "[", "]"
  end
  return first .. "\n" .. table.concat(parts, ",\n") .. "\n" .. indent .. last
end

local order = {
  id = 4711,
  customer = {name = 'Jo "the boat" Miller', vip = true},
  items = {
    {sku = "A-1", count = 2, price = 9.5},
    {sku = "B-7", count = 1, price = 120},
  },
  note = "first line\nsecond line",
  tags = {},
}
order.self = order

print(show(order))
