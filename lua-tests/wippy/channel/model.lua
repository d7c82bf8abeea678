-- Random operations of several coroutines against a model of channels and scheduling, step by step.
-- budget: 60s
-- model.lua [SEEDS] [OPERATIONS]
local SEEDS, OPERATIONS = tonumber(arg[1]) or 20, tonumber(arg[2]) or 200

-- ---- scripts: lists of operations ----

local function random_script(length, channels, depth)
  local script = {}
  local function any() return math.random(channels) end
  for i = 1, length do
    local kind, op = math.random(100)
    if kind <= 28 then op = {"send", any(), math.random(1000)}
    elseif kind <= 56 then op = {"receive", any()}
    elseif kind <= 84 then
      local cases = {}
      for c = 1, math.random(0, 4) do
        cases[c] = {channel = any(), send = math.random(2) == 1 and math.random(1000) or nil}
      end
      op = {"select", cases, math.random(3) == 1 or #cases == 0}
    elseif kind <= 95 then op = {"yield"}
    elseif kind <= 96 then op = {"close", any()}
    elseif depth > 0 then op = {"spawn", random_script(length // 4, channels, depth - 1)}
    else op = {"yield"} end
    script[i] = op
  end
  return script
end

-- ---- the program itself ----

local function text(...)
  local t = table.pack(...)
  for i = 1, t.n do t[i] = tostring(t[i]) end
  return table.concat(t, " ")
end

local function real(main, sizes)
  local log, channels, numbers, tasks = {}, {}, {}, 0
  for i, size in ipairs(sizes) do channels[i] = channel.new(size) numbers[channels[i]] = i end
  local function run(script)
    tasks = tasks + 1
    local id = tasks
    for pc, op in ipairs(script) do
      local kind, ch, r = op[1], channels[op[2]]
      if kind == "send" then
        local ok, v, e = pcall(ch.send, ch, op[3])
        r = ok and text(v, e) or "raised"
      elseif kind == "receive" then r = text(ch:receive())
      elseif kind == "close" then r = text(ch:close())
      elseif kind == "yield" then r = text(coroutine.yield(1))
      elseif kind == "spawn" then coroutine.spawn(function() run(op[2]) end) r = ""
      else
        local cases = {}
        for i, c in ipairs(op[2]) do
          local on = channels[c.channel]
          cases[i] = c.send and on:case_send(c.send) or on:case_receive()
        end
        local s, e = channel.select(cases, op[3])
        r = s and text(numbers[s.channel], s.value, s.ok, s.default) or text(s, e)
      end
      log[#log + 1] = text(id, pc, kind, r)
    end
  end
  run(main)
  return log
end

-- ---- the model ----

local function model(main, sizes)
  local log, channels, ready, tasks, current = {}, {}, {}, 0
  for i, size in ipairs(sizes) do channels[i] = {size = size, buffer = {}, waiters = {}, number = i} end
  local function start(script)
    tasks = tasks + 1
    return {script = script, pc = 1, id = nil, turn = 0}
  end
  local function wake(w, r) w.task.turn, w.task.result = w.task.turn + 1, r ready[#ready + 1] = w.task end
  local function first(ch, sends)
    for i, w in ipairs(ch.waiters) do
      if w.turn == w.task.turn and w.sends == sends then table.remove(ch.waiters, i) return w end
    end
  end
  local function finished(w, ch, v)
    if w.select then return text(ch.number, v, true, nil) end
    return w.sends and text(true, nil) or text(v, true)
  end
  -- Does it if it needs no waiting: true and value and ok.
  local function try(ch, sends, v)
    if sends then
      if ch.closed then return false end
      local w = first(ch, false)
      if w then wake(w, finished(w, ch, v)) return true, v, true end
      if #ch.buffer < ch.size then ch.buffer[#ch.buffer + 1] = v return true, v, true end
      return false
    end
    local w = first(ch, true)
    if #ch.buffer == 0 then
      if w then wake(w, finished(w, ch, w.value)) return true, w.value, true end
      return ch.closed, nil, false
    end
    local value = table.remove(ch.buffer, 1)
    if w then ch.buffer[#ch.buffer + 1] = w.value wake(w, finished(w, ch, w.value)) end
    return true, value, true
  end
  local function wait(ch, sends, v, is_select)
    ch.waiters[#ch.waiters + 1] = {task = current, turn = current.turn, sends = sends, value = v, select = is_select}
  end
  local function close(ch)
    local woken = false
    if ch.closed then return false end
    ch.closed = true
    for _, w in ipairs(ch.waiters) do
      if w.turn == w.task.turn then
        local receives = not w.sends
        for _, other in ipairs(ch.waiters) do
          if other.task == w.task and other.turn == w.turn and not other.sends then receives = true end
        end
        woken = true
        wake(w, not receives and text(nil, "send on closed channel")
          or w.select and text(ch.number, nil, false, nil) or text(nil, false))
      end
    end
    ch.waiters = {}
    return woken
  end
  -- The result of an operation; none: the task goes on later with `result`.
  local function step(op)
    local kind, ch = op[1], channels[op[2]]
    if kind == "send" then
      if ch.closed then return "raised" end
      if try(ch, true, op[3]) then return text(true, nil) end
      wait(ch, true, op[3])
    elseif kind == "receive" then
      local done, v, ok = try(ch, false)
      if done then return text(v, ok) end
      wait(ch, false)
    elseif kind == "select" then
      for _, c in ipairs(op[2]) do
        local done, v, ok = try(channels[c.channel], c.send ~= nil, c.send)
        if done then return text(c.channel, v, ok, nil) end
      end
      if op[3] then return text(nil, nil, true, true) end
      for _, c in ipairs(op[2]) do
        if not channels[c.channel].closed then wait(channels[c.channel], c.send ~= nil, c.send, true) end
      end
    elseif kind == "close" then
      if not close(ch) then return "" end
      current.result = ""
      ready[#ready + 1] = current
    else
      if kind == "spawn" then ready[#ready + 1] = start(op[2]) end
      current.result = ""
      ready[#ready + 1] = current
    end
  end
  local first_task, ids = start(main), 0
  ready[1] = first_task
  while first_task.pc <= #main do
    current = table.remove(ready, 1)
    if not current.id then ids = ids + 1 current.id = ids end
    while current.pc <= #current.script do
      local op = current.script[current.pc]
      local r = current.result
      current.result = nil
      r = r or step(op)
      if not r then break end
      log[#log + 1] = text(current.id, current.pc, op[1], r)
      current.pc = current.pc + 1
    end
  end
  return log
end

local operations = 0
for seed = 1, SEEDS do
  math.randomseed(seed)
  local sizes = {}
  for i = 1, math.random(1, 4) do sizes[i] = math.random(0, 3) * math.random(0, 1) end
  -- The main function only starts, gives way and closes, so it never waits for ever.
  local main, workers = {}, math.random(2, 8)
  for _ = 1, workers do
    main[#main + 1] = {"spawn", random_script(OPERATIONS // workers, #sizes, 2)}
    for _ = 1, math.random(0, 3) do main[#main + 1] = {"yield"} end
  end
  for _ = 1, OPERATIONS // 4 do
    main[#main + 1] = {"yield"}
    main[#main + 1] = {"select", {{channel = math.random(#sizes), send = math.random(2) == 1 and 7 or nil}}, true}
  end
  for i = 1, #sizes do main[#main + 1] = {"close", i} end
  for _ = 1, OPERATIONS do main[#main + 1] = {"yield"} end
  local wanted, got = model(main, sizes), real(main, sizes)
  for i = 1, math.max(#wanted, #got) do
    if wanted[i] ~= got[i] then
      error(("seed %d, step %d: wanted '%s', got '%s'"):format(seed, i, wanted[i], got[i]))
    end
  end
  operations = operations + #got
end
assert(operations > SEEDS * OPERATIONS // 4)
if arg[1] then print(operations .. " operations") end
