return function(to, n) for i = 1, n do process.send(to, "n", i) end end
