-- The smallest program, and what a script knows about how it was called.
--
--   wippy run examples/hello.lua
--   wippy run examples/hello.lua Ada Grace

local names = {...}
if #names == 0 then
  names = {"world"}
end

for _, name in ipairs(names) do
  print("Hello, " .. name .. "!")
end

-- `arg` has the same words, and the path of the script at index 0.
assert(arg[1] == ...)

-- The first result of a script is its exit code; none means success.
