-- oracle: lua5.3
-- expect: error
-- An uncaught error ends the program with a failure status; what was printed before stays.
print("before")
error({ code = 2 })
