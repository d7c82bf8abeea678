-- expect: error
-- A second result that is an error object is a failure of the program.
return 0, errors.new("bad")
