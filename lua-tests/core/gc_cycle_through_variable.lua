-- A cycle through a variable of a suspended coroutine: the collection that finds the coroutine dead keeps what the variable
-- holds, the next one does not.
collectgarbage() collectgarbage("stop")

local function watch(log, name)
  return setmetatable({}, {__gc = function() log[#log + 1] = name end})
end

-- The variable holds the coroutine, and is captured: two collections.
local log = {}
do
  local co = coroutine.create(function(self)
    local mine = {self, watch(log, "captured")}
    local function use() return mine end
    coroutine.yield()
    use()
  end)
  assert(coroutine.resume(co, co))
end
collectgarbage()
assert(#log == 0)
collectgarbage()
assert(log[1] == "captured")

-- Nothing captures it: one collection.
log = {}
do
  local co = coroutine.create(function(self)
    local mine = {self, watch(log, "plain")}
    coroutine.yield()
    return mine
  end)
  assert(coroutine.resume(co, co))
end
collectgarbage()
assert(log[1] == "plain")

-- A closure outlives the coroutine: the value lives as long as the closure.
log = {}
local keep
do
  local co = coroutine.create(function(self)
    local mine = {self, watch(log, "kept")}
    keep = function() return mine end
    coroutine.yield()
  end)
  assert(coroutine.resume(co, co))
end
collectgarbage() collectgarbage() collectgarbage()
assert(#log == 0 and type(keep()[1]) == "thread")
keep = nil
collectgarbage() collectgarbage()
assert(log[1] == "kept")

-- Returned coroutines have closed their variables: one collection.
log = {}
do
  local co = coroutine.create(function(self)
    local mine = {self, watch(log, "closed")}
    return function() return mine end
  end)
  assert(coroutine.resume(co, co))
end
collectgarbage()
assert(log[1] == "closed")
