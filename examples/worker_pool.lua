-- A pool of workers: each asks for a job when it is free, so fast workers get more of them.
local host, jobs, workers = "app:processes", 20, 4
local me, inbox = process.pid(), process.inbox()
for _ = 1, workers do process.spawn("./lib/worker.lua", host, me) end

local next_job, finished, sum = 1, 0, 0
while finished < jobs do
  local msg = inbox:receive()
  if msg:topic() == "result" then
    finished = finished + 1
    sum = sum + msg:payload():data()
  elseif next_job <= jobs then
    process.send(msg:from(), "job", next_job)
    next_job = next_job + 1
  end
end
print(jobs .. " jobs, sum of the results " .. sum)
