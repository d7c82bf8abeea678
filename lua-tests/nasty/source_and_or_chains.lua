-- oracle: none
-- budget: 10s 512MiB
-- 3*10^4 `and`, `or` and `elseif`: compile time stays linear.
local n = 30000
assert(load("return 1" .. (" and 1"):rep(n))() == 1) assert(load("return nil" .. (" or nil"):rep(n) .. " or 7")() == 7)
assert(load("local x = ... if x == -1 then return 0 " .. ("elseif x == 0 then return 1 "):rep(n) .. "else return 2 end")(5) == 2)
assert(load("local x = ... return x" .. (" and x or x"):rep(10000))(3) == 3)
print("ok")
