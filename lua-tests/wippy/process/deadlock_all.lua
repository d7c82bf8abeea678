-- flags: --sim 12
-- expect: error
-- In a simulation the program is over when everybody waits.
process.spawn("./_echo.lua", "app:processes")
process.inbox():receive()
