-- Loads a file again for each command and tells what came of it.
-- From its first global on a process has libraries of its own: not when the memory is looked at.
changed = true
return function(to, file)
  local inbox = process.inbox()
  while true do
    local msg = inbox:receive()
    local how = msg:payload():data()
    local before = collectgarbage("count")
    local ok, module
    if how == "require" then
      package.path = file .. ";" .. package.path
      package.loaded.anything = nil
      ok, module = pcall(require, "anything")
    elseif how == "dofile" then
      ok, module = pcall(dofile, file)
    else
      local f, message = loadfile(file, "bt", {name = "of the environment", error = error})
      ok, module = f ~= nil, f and f("an argument") or message
    end
    local kilobytes = collectgarbage("count") - before
    local answer = {ok = ok, kilobytes = kilobytes, message = not ok and module or nil}
    if ok then
      answer.version, answer.name = module.version, module.name
      answer.fits = module.T:is({x = module.version}) ~= nil
      answer.counted = module.count() + module.count()
      answer.dumped = #string.dump(module.count)
      answer.error = select(2, pcall(module.fail))
    end
    process.send(to, "answer", answer)
  end
end
