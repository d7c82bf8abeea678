-- Shortest paths on a grid with walls by A*, with a binary heap and string keys for the visited cells.
local width, height = 150, 150
local seed = 99
local function random(limit)
  seed = (seed * 16807) % 2147483647
  return seed % limit
end

local grid = {}
for y = 1, height do
  local row = {}
  for x = 1, width do row[x] = random(100) < 27 and "#" or 1 + random(4) end
  grid[y] = row
end

local function heap_push(heap, node)
  local i = #heap + 1
  while i > 1 do
    local parent = i >> 1
    if heap[parent].f <= node.f then break end
    heap[i] = heap[parent]
    i = parent
  end
  heap[i] = node
end

local function heap_pop(heap)
  local top, size = heap[1], #heap
  local last = heap[size]
  heap[size] = nil
  size = size - 1
  if size == 0 then return top end
  local i = 1
  while true do
    local child = i << 1
    if child > size then break end
    if child < size and heap[child + 1].f < heap[child].f then child = child + 1 end
    if last.f <= heap[child].f then break end
    heap[i] = heap[child]
    i = child
  end
  heap[i] = last
  return top
end

local steps = { { 1, 0 }, { -1, 0 }, { 0, 1 }, { 0, -1 } }

local function key(x, y) return x .. "," .. y end

local function search(sx, sy, tx, ty)
  local open, cost, from, expanded = {}, { [key(sx, sy)] = 0 }, {}, 0
  heap_push(open, { x = sx, y = sy, g = 0, f = 0 })
  while #open > 0 do
    local node = heap_pop(open)
    local here = key(node.x, node.y)
    if node.g == cost[here] then
      expanded = expanded + 1
      if node.x == tx and node.y == ty then
        local length = 0
        while from[here] do
          here, length = from[here], length + 1
        end
        return node.g, length, expanded
      end
      for _, step in ipairs(steps) do
        local x, y = node.x + step[1], node.y + step[2]
        local row = grid[y]
        local weight = row and row[x]
        if weight and weight ~= "#" then
          local g, there = node.g + weight, key(x, y)
          if not cost[there] or g < cost[there] then
            cost[there] = g
            from[there] = here
            heap_push(open, { x = x, y = y, g = g, f = g + math.abs(tx - x) + math.abs(ty - y) })
          end
        end
      end
    end
  end
  return -1, 0, expanded
end

local total, lengths, visited, unreachable = 0, 0, 0, 0
for _ = 1, 12 do
  local sx, sy, tx, ty
  repeat sx, sy = 1 + random(width), 1 + random(height) until grid[sy][sx] ~= "#"
  repeat tx, ty = 1 + random(width), 1 + random(height) until grid[ty][tx] ~= "#"
  local cost, length, expanded = search(sx, sy, tx, ty)
  if cost < 0 then unreachable = unreachable + 1 else total, lengths = total + cost, lengths + length end
  visited = visited + expanded
end
print(total, lengths, visited, unreachable)
