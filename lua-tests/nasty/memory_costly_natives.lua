-- oracle: none
-- budget: 20s 512MiB
-- flags: --memory-limit 16M
-- A library function that uses up its slice and then finds no memory is tried again after a collection, once.
local lines = {}
for i = 1, 40000 do lines[i] = "x = x + " .. i end
local f = assert(load(table.concat(lines, " ")))
local kept = {}
local function refused(work)
  local ok, message = pcall(function()
    for i = 1, 1000 do kept[i] = work(i) end
  end)
  kept = {}
  assert(not ok and message == "not enough memory", message)
end
refused(function() return string.dump(f) end)
refused(function(i) return ("ab"):rep(200000 + i) end)
refused(function(i) return string.format("%q", ("\n"):rep(200000 + i)) end)
refused(function(i) return ("x"):rep(200000 + i):upper() end)
refused(function(i) return (("x"):rep(200000 + i):gsub("x", "yy")) end)
refused(function(i) return table.concat({ ("x"):rep(200000 + i), i }) end)
refused(function() return load("return '" .. ("x"):rep(2000000) .. "'") or error("not enough memory", 0) end)
refused(function() return os.date(("%Y"):rep(200000)) end)
print("ok")
