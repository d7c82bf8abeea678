-- A token passed around a ring of coroutines.
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local size, rounds = 500, 5000
local ring = {}
for i = 1, size do
  ring[i] = create(function(token)
    while true do token = yield(token + 1) end
  end)
end
local token, ok = 0
for _ = 1, rounds do
  for i = 1, size do ok, token = resume(ring[i], token) end
end
print(ok, token)
