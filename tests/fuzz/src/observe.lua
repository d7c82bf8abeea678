-- What a program of the differential test is run in: everything that may differ between two correct implementations is
-- made the same, and after each statement the variables are shown.
collectgarbage("stop")
local real = { tostring = tostring, next = next, sort = table.sort, type = type, pcall = pcall, write = io.write,
  format = string.format, gsub = string.gsub, getmetatable = debug.getmetatable, rawget = rawget, rawset = rawset, rawlen = rawlen, rawequal = rawequal,
  mtype = math.type, concat = table.concat, select = select, setmetatable = debug.setmetatable, exit = os.exit, find = string.find, rep = string.rep, sub = string.sub }
for _, name in ipairs { "io", "os", "package", "require", "dofile", "loadfile" } do
  if package.loaded[name] and name ~= "package" then package.loaded[name] = nil end
  _G[name] = nil
end

-- Text without addresses.
local function plain(s)
  return (real.gsub(s, "0x%x%x%x%x%x%x+", "ADDRESS"))
end

local function key(k)
  local t = real.type(k)
  if t == "number" then return "1" .. real.format("%020.3f", k + 2.0^53) end
  if t == "string" then return "2" .. k end
  if t == "boolean" then return "3" .. real.tostring(k) end
  return "4"
end

-- The keys of a table in an order of their own.
local function keys(t)
  local list = {}
  for k in real.next, t do list[#list + 1] = { k, key(k) } end
  real.sort(list, function(a, b) return a[2] < b[2] end)
  return list
end

local function show(v, depth)
  local t = real.type(v)
  if t == "string" then
    return real.format("%q", plain(#v > 300 and real.sub(v, 1, 300) .. "..." .. #v or v))
  elseif t == "number" then
    return v ~= v and "nan" or real.mtype(v) == "float" and real.format("%.14g:float", v) or real.format("%d", v)
  elseif t == "table" then
    if depth == 0 then return "{...}" end
    local parts = {}
    for i, pair in real.next, keys(v) do
      if i > 20 then break end
      parts[i] = show(pair[1], 0) .. "=" .. show(real.rawget(v, pair[1]), depth - 1)
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
  local list = keys(t)
  if k == nil then
    local first = list[1]
    if first then return first[1], real.rawget(t, first[1]) end
    return nil
  end
  for i, pair in real.next, list do
    if real.rawequal(pair[1], k) then
      local following = list[i + 1]
      if following then return following[1], real.rawget(t, following[1]) end
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
