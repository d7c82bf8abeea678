-- oracle: lua5.3
-- budget: 10s 512MiB
-- Patterns that take exponential or cubic time stay small here: right answer within the budget.
local n = 18
assert(("a"):rep(n):find(("a?"):rep(n) .. ("a"):rep(n)) == 1)
assert(("a"):rep(300):find("^.-.-.-c$") == nil)
assert(("a"):rep(2000):find(".-b") == nil)
assert(("a"):rep(2000):find("a*b") == nil)
assert(("a"):rep(150):find("a*a*a*b") == nil)
print("ok")
