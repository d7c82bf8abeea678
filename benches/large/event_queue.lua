-- A simulation of a shop with an event queue: a binary heap of closures and records.
local Queue = {}
Queue.__index = Queue

function Queue.new() return setmetatable({ size = 0, serial = 0 }, Queue) end

local function before(a, b)
  if a.time ~= b.time then return a.time < b.time end
  return a.serial < b.serial
end

function Queue:push(time, action, subject)
  local size = self.size + 1
  self.size, self.serial = size, self.serial + 1
  local event = { time = time, serial = self.serial, action = action, subject = subject }
  local i = size
  while i > 1 do
    local parent = i // 2
    if not before(event, self[parent]) then break end
    self[i] = self[parent]
    i = parent
  end
  self[i] = event
end

function Queue:pop()
  local top, size = self[1], self.size
  local last = self[size]
  self[size] = nil
  size = size - 1
  self.size = size
  if size > 0 then
    local i = 1
    while true do
      local child = i * 2
      if child > size then break end
      if child < size and before(self[child + 1], self[child]) then child = child + 1 end
      if not before(self[child], last) then break end
      self[i] = self[child]
      i = child
    end
    self[i] = last
  end
  return top
end

local seed = 2024
local function random(limit)
  seed = (seed * 16807) % 2147483647
  return seed % limit
end

local shop = { queue = Queue.new(), now = 0, tills = {}, waiting = {}, first = 1, served = 0, waited = 0, lost = 0 }
for i = 1, 5 do shop.tills[i] = { id = i, busy = false, total = 0 } end

local serve

local function finish(self, till)
  till.busy = false
  self.served = self.served + 1
  local nextup = self.waiting[self.first]
  if nextup then
    self.waiting[self.first] = nil
    self.first = self.first + 1
    serve(self, till, nextup)
  end
end

function serve(self, till, customer)
  till.busy = true
  self.waited = self.waited + self.now - customer.arrived
  local effort = customer.items * 3 + random(20)
  till.total = till.total + effort
  self.queue:push(self.now + effort, finish, till)
end

local last = 0
local function arrive(self, customer)
  customer.arrived = self.now
  local free
  for _, till in ipairs(self.tills) do
    if not till.busy then free = till break end
  end
  if free then
    serve(self, free, customer)
  elseif last - self.first > 60 then
    self.lost = self.lost + 1
  else
    last = math.max(last, self.first - 1) + 1
    self.waiting[last] = customer
  end
  if customer.id < 120000 then
    self.queue:push(self.now + 1 + random(13), arrive, { id = customer.id + 1, items = 1 + random(14) })
  end
end

shop.queue:push(0, arrive, { id = 1, items = 3 })
local events = 0
while shop.queue.size > 0 do
  local event = shop.queue:pop()
  shop.now = event.time
  event.action(shop, event.subject)
  events = events + 1
end
local totals = {}
for i, till in ipairs(shop.tills) do totals[i] = till.total end
print(events, shop.now, shop.served, shop.waited, shop.lost, table.concat(totals, " "))
