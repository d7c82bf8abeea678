-- oracle: lua5.3
-- os.exit inside functions and coroutines ends the program at once.
print("start")
coroutine.wrap(function() pcall(function() os.exit(true) end) end)()
print("never")
