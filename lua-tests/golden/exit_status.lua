-- oracle: lua5.3
-- expect: error
-- os.exit(false) is a failure status, and buffered output is written.
io.write("written")
os.exit(false, true)
