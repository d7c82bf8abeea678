-- oracle: none
-- budget: 10s 512MiB
-- An empty string repeated without end is the empty string, at once.
assert((""):rep(math.maxinteger) == "") assert((""):rep(math.maxinteger, "") == "") assert((""):rep(1 << 40) == "") print("ok")
