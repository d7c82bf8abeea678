-- oracle: lua5.3
-- expect: error
-- A finalizer that ends the program at its end: the others do not run.
X = setmetatable({}, { __gc = function() print("not reached") end })
Y = setmetatable({}, { __gc = function() print("ends", pcall(os.exit, 3)) end })
Z = setmetatable({}, { __gc = function() print("first") end })
