-- A text adventure: commands are split into words, resolved against a world of objects and answered with text.
local world = {
  hall = { text = "A draughty hall.", exits = { north = "library", east = "kitchen" }, things = { "lamp", "rug" } },
  library = { text = "Shelves up to the ceiling.", exits = { south = "hall", up = "attic" }, things = { "book", "ladder" } },
  kitchen = { text = "It smells of onions.", exits = { west = "hall", down = "cellar" }, things = { "knife", "bread" } },
  cellar = { text = "Dark and damp.", exits = { up = "kitchen" }, things = { "barrel" } },
  attic = { text = "Dust everywhere.", exits = { down = "library" }, things = { "chest", "key" } },
}
local synonyms = { get = "take", grab = "take", l = "look", go = "walk", n = "north", s = "south", e = "east", w = "west",
  u = "up", d = "down", leave = "drop", inspect = "examine", x = "examine", inv = "inventory" }
local noise = { the = true, a = true, an = true, to = true, at = true, please = true }
local weights = { lamp = 2, rug = 9, book = 3, ladder = 12, knife = 1, bread = 1, barrel = 30, chest = 25, key = 1 }

local player = { room = "hall", bag = {}, load = 0, moves = 0 }

local function index_of(list, item)
  for i, thing in ipairs(list) do
    if thing == item then return i end
  end
end

local commands = {}
function commands.look()
  local room = world[player.room]
  local exits = {}
  for direction in pairs(room.exits) do exits[#exits + 1] = direction end
  table.sort(exits)
  return room.text .. " Exits: " .. table.concat(exits, ", ") .. ". You see: " .. table.concat(room.things, ", ") .. "."
end
function commands.walk(direction)
  local target = world[player.room].exits[direction]
  if not target then return "You cannot go " .. tostring(direction) .. "." end
  player.room = target
  player.moves = player.moves + 1
  return commands.look()
end
for _, direction in ipairs { "north", "south", "east", "west", "up", "down" } do
  commands[direction] = function() return commands.walk(direction) end
end
function commands.take(thing)
  local things = world[player.room].things
  local i = index_of(things, thing)
  if not i then return ("There is no %s here."):format(thing) end
  if player.load + weights[thing] > 20 then return ("The %s is too heavy."):format(thing) end
  table.remove(things, i)
  player.bag[#player.bag + 1] = thing
  player.load = player.load + weights[thing]
  return "Taken: " .. thing .. "."
end
function commands.drop(thing)
  local i = index_of(player.bag, thing)
  if not i then return "You have no " .. tostring(thing) .. "." end
  table.remove(player.bag, i)
  player.load = player.load - weights[thing]
  table.insert(world[player.room].things, thing)
  return "Dropped: " .. thing .. "."
end
function commands.examine(thing)
  if not thing or not (index_of(player.bag, thing) or index_of(world[player.room].things, thing)) then
    return "You see nothing special."
  end
  return thing:sub(1, 1):upper() .. thing:sub(2) .. " weighs " .. weights[thing] .. "."
end
function commands.inventory()
  table.sort(player.bag)
  return #player.bag == 0 and "Nothing." or table.concat(player.bag, ", ")
end

local function execute(line)
  local words = {}
  for word in line:lower():gmatch("[%a']+") do
    word = synonyms[word] or word
    if not noise[word] then words[#words + 1] = word end
  end
  local command = commands[words[1]]
  if not command then return "I do not know how to " .. (words[1] or "do nothing") .. "." end
  local ok, answer = pcall(command, words[2], words[3])
  return ok and answer or "That makes no sense."
end

local script = {
  "Look", "take the LAMP", "go north", "get book please", "x ladder", "grab ladder", "up", "take key", "take chest",
  "inventory", "d", "drop the book", "s", "e", "take bread", "dance wildly", "go west", "walk east", "down", "take barrel",
  "leave key", "up", "inv", "w", "drop lamp", "n", "take book", "u", "l", "inspect chest", "down", "south", "drop bread",
}
local seed, check, size = 17, 0, 0
for round = 1, 150000 do
  seed = (seed * 16807) % 2147483647
  local answer = execute(script[seed % #script + 1])
  size = size + #answer
  check = (check * 131 + #answer * round + answer:byte(-2)) % 1000000007
end
print(player.room, player.moves, commands.inventory(), size, check)
