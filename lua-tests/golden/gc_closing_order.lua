-- oracle: lua5.3
-- Finalizers at the end of the program run one after the other, not inside each other, whatever they call.
for i = 1, 3 do
  _G["object" .. i] = setmetatable({}, {
    __gc = function()
      print("begin", i)
      for _ = 1, 10 do pcall(string.rep, "x", 100) end
      print("end", i)
    end,
  })
end
