-- A spreadsheet: formulas are parsed to closures, cells are evaluated on demand and remembered until something changes.
local Sheet = {}
Sheet.__index = Sheet

local function parse(sheet, text)
  local at = 1
  local expression
  local function peek() at = text:find("%S", at) or #text + 1 return text:sub(at, at) end
  local function atom()
    local c = peek()
    if c == "(" then
      at = at + 1
      local inner = expression()
      assert(peek() == ")", "unbalanced")
      at = at + 1
      return inner
    elseif c == "-" then
      at = at + 1
      local inner = atom()
      return function() return -inner() end
    elseif c:match("%d") then
      local digits = text:match("^[%d.]+", at)
      at = at + #digits
      local value = tonumber(digits)
      return function() return value end
    end
    local name = text:match("^%a+%d*", at)
    at = at + #name
    if peek() == "(" then
      at = at + 1
      local from, to = text:match("^(%a%d+):(%a%d+)", at)
      at = at + #from + #to + 2
      local column, low, high = from:sub(1, 1), tonumber(from:sub(2)), tonumber(to:sub(2))
      if name == "SUM" then
        return function()
          local sum = 0
          for row = low, high do sum = sum + sheet:value(column .. row) end
          return sum
        end
      end
      return function()
        local best = sheet:value(from)
        for row = low, high do best = math.max(best, sheet:value(column .. row)) end
        return best
      end
    end
    return function() return sheet:value(name) end
  end
  local function product()
    local left = atom()
    while true do
      local c = peek()
      if c ~= "*" and c ~= "/" then return left end
      at = at + 1
      local a, b = left, atom()
      if c == "*" then left = function() return a() * b() end else left = function() return a() / b() end end
    end
  end
  function expression()
    local left = product()
    while true do
      local c = peek()
      if c ~= "+" and c ~= "-" then return left end
      at = at + 1
      local a, b = left, product()
      if c == "+" then left = function() return a() + b() end else left = function() return a() - b() end end
    end
  end
  return expression()
end

function Sheet.new() return setmetatable({ cells = {}, cache = {}, evaluations = 0 }, Sheet) end

function Sheet:set(name, content)
  if type(content) == "number" then
    self.cells[name] = content
  else
    self.cells[name] = parse(self, content)
  end
  self.cache = {}
end

function Sheet:value(name)
  local cached = self.cache[name]
  if cached then return cached end
  local cell = self.cells[name]
  local value = 0
  if type(cell) == "number" then
    value = cell
  elseif cell then
    self.evaluations = self.evaluations + 1
    value = cell()
  end
  self.cache[name] = value
  return value
end

local sheet = Sheet.new()
local ROWS = 120
for row = 1, ROWS do
  sheet:set("A" .. row, row * 3 % 17)
  sheet:set("B" .. row, ("A%d * 2 + %d"):format(row, row))
  sheet:set("C" .. row, ("(A%d + B%d) * (B%d - A%d) / %d"):format(row, row, row, row, row % 5 + 1))
  sheet:set("D" .. row, row == 1 and "C1" or ("D%d + C%d - MAX(B1:B%d)"):format(row - 1, row, math.min(row, 9)))
end
sheet:set("E1", ("SUM(C1:C%d) + SUM(D1:D%d) * -1"):format(ROWS, ROWS))
local check = 0
for round = 1, 300 do
  sheet:set("A" .. (round * 7 % ROWS + 1), round)
  check = check + sheet:value("E1") % 1000
end
print(string.format("%.3f %d", check, sheet.evaluations))
