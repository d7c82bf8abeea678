-- A lexer for Lua written with string.find and string.byte, run over a text it generates.
local byte, find, sub = string.byte, string.find, string.sub

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true
until while]]):gmatch("%a+") do
  KEYWORDS[word] = true
end

local Lexer = {}
Lexer.__index = Lexer

function Lexer.new(text)
  return setmetatable({ text = text, at = 1, line = 1, tokens = {} }, Lexer)
end

function Lexer:emit(kind, text)
  self.tokens[#self.tokens + 1] = { kind = kind, text = text, line = self.line }
end

local SYMBOLS3 = { ["..."] = true }
local SYMBOLS2 = { ["=="] = true, ["~="] = true, ["<="] = true, [">="] = true, [".."] = true, ["//"] = true, ["::"] = true }

function Lexer:step()
  local text, at = self.text, self.at
  local c = byte(text, at)
  if c == 10 then
    self.line = self.line + 1
    self.at = at + 1
  elseif c == 32 or c == 9 then
    local _, e = find(text, "^[ \t]+", at)
    self.at = e + 1
  elseif c == 45 and byte(text, at + 1) == 45 then
    self.at = (find(text, "\n", at, true) or #text + 1)
  elseif c >= 97 and c <= 122 or c >= 65 and c <= 90 or c == 95 then
    local _, e = find(text, "^[%w_]+", at)
    local word = sub(text, at, e)
    self:emit(KEYWORDS[word] and word or "name", word)
    self.at = e + 1
  elseif c >= 48 and c <= 57 then
    local _, e = find(text, "^[%d.]+", at)
    self:emit("number", tonumber(sub(text, at, e)))
    self.at = e + 1
  elseif c == 34 or c == 39 then
    local i = at + 1
    while byte(text, i) ~= c do
      if byte(text, i) == 92 then i = i + 1 end
      i = i + 1
    end
    self:emit("string", sub(text, at + 1, i - 1))
    self.at = i + 1
  else
    local three, two = sub(text, at, at + 2), sub(text, at, at + 1)
    local symbol = SYMBOLS3[three] and three or SYMBOLS2[two] and two or sub(text, at, at)
    self:emit(symbol, symbol)
    self.at = at + #symbol
  end
end

function Lexer:run()
  local size = #self.text
  while self.at <= size do self:step() end
  return self.tokens
end

local lines = {}
for i = 1, 1500 do
  lines[#lines + 1] = ("local value%d = compute(%d, 'text %d', \"quoted\\\"%d\") -- remark %d"):format(i, i * 7, i, i, i)
  lines[#lines + 1] = ("if value%d ~= nil and value%d >= %d.5 then total = total + value%d // 3 .. '' end"):format(i, i, i, i)
  lines[#lines + 1] = "for k, v in pairs(t) do t[k] = function(...) return v == k, ... end end"
end
local text = table.concat(lines, "\n") .. "\n"

local counts, checksum = {}, 0
for _ = 1, 4 do
  for i, token in ipairs(Lexer.new(text):run()) do
    counts[token.kind] = (counts[token.kind] or 0) + 1
    checksum = (checksum * 31 + #tostring(token.text) + token.line + i) % 1000000007
  end
end
local kinds = {}
for kind in pairs(counts) do kinds[#kinds + 1] = kind end
table.sort(kinds)
for i, kind in ipairs(kinds) do kinds[i] = kind .. "=" .. counts[kind] end
print(table.concat(kinds, " "), checksum)
