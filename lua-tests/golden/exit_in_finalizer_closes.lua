-- oracle: lua5.3
-- expect: error
-- A finalizer that ends the program and closes it: the others do run.
X = setmetatable({}, { __gc = function() print("last") end })
Y = setmetatable({}, { __gc = function() print("ends", pcall(os.exit, false, true)) end })
Z = setmetatable({}, { __gc = function() print("first") end })
