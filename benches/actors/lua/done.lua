return function(to) process.send(to, "done") end
