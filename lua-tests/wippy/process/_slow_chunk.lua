-- The chunk itself waits for a message that it sends itself through another process.
local echo = process.spawn("./_echo.lua", "app:processes")
process.send(echo, "echo", "late")
local text = process.inbox():receive():payload():data()
return function() return text end
