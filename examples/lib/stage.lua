-- One stage of the pipeline.
local count = 0
local work = {
  number = function(line) count = count + 1 return count .. ":" .. line end,
  trim = function(line) return (line:gsub("%s+", "")) end,
  upper = string.upper,
}

return function(name, following)
  local lines = process.listen("line", {message = true})
  while true do
    local payload = lines:receive():payload()
    if not payload then return process.send(following, "line") end
    process.send(following, "line", work[name](payload:data()))
  end
end
