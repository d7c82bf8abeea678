-- What a program of the differential test is run in: everything that may differ between two correct implementations is
-- made the same, and after each statement the variables are shown.
collectgarbage("stop")
local real = { tostring = tostring, next = next, sort = table.sort, type = type, pcall = pcall, write = io.write,
  format = string.format, gsub = string.gsub, getmetatable = debug.getmetatable, rawget = rawget, rawset = rawset, rawlen = rawlen, rawequal = rawequal,
  mtype = math.type, concat = table.concat, select = select, setmetatable = debug.setmetatable, exit = os.exit, find = string.find, rep = string.rep, sub = string.sub }
local loaded = package.loaded
for _, name in ipairs { "io", "os", "package", "require", "dofile", "loadfile" } do
  loaded[name] = nil
  _G[name] = nil
end

-- Text without addresses.
local function plain(s)
  return (real.gsub(s, "0x%x%x%x%x%x%x+", "ADDRESS"))
end

-- An order of keys that have one.
local ranks = { number = 1, string = 2, boolean = 3 }
local function before(a, b)
  local s, t = real.type(a), real.type(b)
  if s ~= t then return ranks[s] < ranks[t] end
  if s == "boolean" then return a and not b end
  return a < b
end

-- The keys of a table in an order of their own, and those that have none.
local function keys(t)
  local list, others = {}, {}
  for k in real.next, t do
    local to = ranks[real.type(k)] and list or others
    to[#to + 1] = k
  end
  real.sort(list, before)
  return list, others
end

local function show(v, depth)
  local t = real.type(v)
  if t == "string" then
    return real.format("%q", plain(#v > 300 and real.sub(v, 1, 300) .. "..." .. #v or v))
  elseif t == "number" then
    return v ~= v and "nan" or real.mtype(v) == "float" and real.format("%.14g:float", v) or real.format("%d", v)
  elseif t == "table" then
    if depth == 0 then return "{...}" end
    local parts, others = {}, {}
    local list, unordered = keys(v)
    for i, k in real.next, list do
      if i > 20 then break end
      parts[i] = show(k, 0) .. "=" .. show(real.rawget(v, k), depth - 1)
    end
    for i, k in real.next, unordered do others[i] = show(k, 0) .. "=" .. show(real.rawget(v, k), depth - 1) end
    real.sort(others)
    for i, text in real.next, others do
      if i > 20 then break end
      parts[#parts + 1] = text
    end
    return "{" .. real.concat(parts, ",") .. "}" .. (real.getmetatable(v) and "M" or "")
  elseif t == "nil" or t == "boolean" then
    return v == nil and "nil" or v and "true" or "false"
  end
  return t
end

function tostring(...)
  local s = real.tostring(...)
  return real.type((...)) == "string" and s or plain(s)
end
function next(t, k)
  local list, others = keys(t)
  -- More than one key without order: programs do not see them.
  if #others == 1 then list[#list + 1] = others[1] end
  if k == nil then
    local first = list[1]
    if first ~= nil then return first, real.rawget(t, first) end
    return nil
  end
  for i, own in real.next, list do
    if real.rawequal(own, k) then
      local following = list[i + 1]
      if following ~= nil then return following, real.rawget(t, following) end
      return nil
    end
  end
  return nil
end
local own_next = next
function pairs(t)
  local mt = real.getmetatable(t)
  local handler = real.type(mt) == "table" and real.rawget(mt, "__pairs")
  if handler then
    local f, s, v = handler(t)
    return f, s, v
  end
  if real.type(t) ~= "table" then error("bad argument to 'pairs'", 0) end
  return own_next, t, nil
end
function print(...)
  local parts = {}
  for i = 1, real.select("#", ...) do parts[i] = show((real.select(i, ...)), 1) end
  real.write("print ", real.concat(parts, " "), "\n")
end
-- What they answer is not the language's business, or depends on how code is laid out.
function collectgarbage() return 0 end
function math.random() return 4 end
function string.dump() return "return 1" end
function debug.sethook() end
function debug.getlocal() end
function debug.setlocal() end
function debug.upvalueid() end
local plain_traceback = debug.traceback
function debug.traceback(...)
  local s = plain_traceback(...)
  return real.type(s) == "string" and "traceback" or s
end
function debug.getinfo() return {} end
-- With an order that is none the result depends on the algorithm.
function table.sort(t, f)
  if f == nil then real.sort(t) end
end
-- Would take away what this file needs.
function debug.setmetatable(v, mt)
  local t = real.type(v)
  if t == "table" then return real.setmetatable(v, mt) end
  return v
end

local state = _ENV
local names = { "a", "b", "c", "f", "g", "t", "u", "co", "X", "Y", "F", "T" }
a, b, c, g, co = 1, "b", 2.5, nil, nil
function f(...) return ... end
t, u = { 1, 2, 3, x = 1 }, {}
X, Y, T = 10, "y", { f = f, n = 2 }
function F(p) return p end

local count = 0
function STEP(text)
  count = count + 1
  local chunk, message = load(text, "=s", "t", state)
  if not chunk then return real.write(count, " no program: ", plain(message), "\n") end
  local function report(ok, ...)
    local parts = {}
    for i = 1, real.select("#", ...) do parts[i] = show((real.select(i, ...)), 1) end
    real.write(count, ok and " ok " or " error ", real.concat(parts, " "), "\n")
  end
  report(real.pcall(chunk))
  local parts = {}
  for i, name in real.next, names do parts[i] = show(real.rawget(state, name), 2) end
  real.write(real.concat(parts, " "), "\n")
end
STEP = STEP
