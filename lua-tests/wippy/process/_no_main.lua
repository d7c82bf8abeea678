return {start = function() end}
