return function(id) process.upgrade(id) end
