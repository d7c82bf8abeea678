-- A cache that forgets what was used least recently, behind a proxy with __index, __newindex, __len and __pairs.
local function cache(capacity)
  local map, size, hits, misses = {}, 0, 0, 0
  local head, tail = {}, {}
  head.after, tail.before = tail, head

  local function unlink(entry)
    entry.before.after, entry.after.before = entry.after, entry.before
  end
  local function to_front(entry)
    entry.before, entry.after = head, head.after
    head.after.before = entry
    head.after = entry
  end

  local methods = {}
  function methods.statistics() return hits, misses, size end

  return setmetatable({}, {
    __index = function(_, key)
      local method = methods[key]
      if method then return method end
      local entry = map[key]
      if not entry then
        misses = misses + 1
        return nil
      end
      hits = hits + 1
      unlink(entry)
      to_front(entry)
      return entry.value
    end,
    __newindex = function(_, key, value)
      local entry = map[key]
      if entry then
        unlink(entry)
        if value == nil then
          map[key] = nil
          size = size - 1
          return
        end
        entry.value = value
      elseif value ~= nil then
        if size >= capacity then
          local oldest = tail.before
          unlink(oldest)
          map[oldest.key] = nil
          size = size - 1
        end
        entry = { key = key, value = value }
        map[key] = entry
        size = size + 1
      else
        return
      end
      to_front(entry)
    end,
    __len = function() return size end,
    __pairs = function()
      local entry = head
      return function()
        entry = entry.after
        if entry ~= tail then return entry.key, entry.value end
      end
    end,
  })
end

local seed = 7
local function random(limit)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed // 64 % limit
end

local numbers, words = cache(500), cache(300)
local sum = 0
for i = 1, 180000 do
  -- Small keys are asked for more often than large ones.
  local key = random(random(1500) + 1)
  local value = numbers[key]
  if not value then
    value = key * key % 1009
    numbers[key] = value
  end
  sum = sum + value
  if i % 3 == 0 then
    local name = "user:" .. key % 700
    local record = words[name]
    if record then
      record.visits = record.visits + 1
    else
      words[name] = { visits = 1, id = key }
    end
    if i % 30 == 0 then words[name] = nil end
  end
end
local visits, ids = 0, 0
for name, record in pairs(words) do
  visits = visits + record.visits
  ids = (ids * 31 + #name + record.id) % 1000003
end
local hits, misses, size = numbers.statistics()
print(sum, hits, misses, size, #numbers, #words, visits, ids)
