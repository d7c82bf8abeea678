return {main = function(n) return n + 1 end}
