-- expect: error
-- An uncaught error object ends the program.
print("before")
error(errors.new({message = "gone", kind = errors.INTERNAL}))
