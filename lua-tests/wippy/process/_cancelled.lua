return function() return process.events():receive() end
