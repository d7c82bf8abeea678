local time = require("time")
return function() time.sleep("1h") end
