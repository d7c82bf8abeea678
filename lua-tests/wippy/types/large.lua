-- budget: 20s 512MiB
-- stress: 3000
-- Large values are validated in slices, with the same result.
type Numbers = {number}
type Rows = {{id: integer, tags: {string}}}
type Counts = {[string]: integer}
local size = tonumber((...)) or 1000000
local big = {}
for i = 1, size do big[i] = i end
assert(Numbers:is(big))
big[size - 1] = "x"
assert(select(2, Numbers:is(big)):details().field == "[" .. size - 1 .. "]")
local rows = {}
for i = 1, size // 10 do rows[i] = {id = i, tags = {"a", "b"}} end
assert(Rows:is(rows))
rows[size // 11].tags[2] = 1
assert(select(2, Rows:is(rows)):details().field == "[" .. size // 11 .. "].tags[2]")
local counts = {}
for i = 1, size // 5 do counts["k" .. i] = i end
assert(Counts:is(counts))
counts.wrong = "x"
assert(select(2, Counts:is(counts)):details().field == "[wrong]")
-- In a coroutine, and in the middle of a union.
type Either = {kind: "a", list: {number}} | {kind: "b", list: {string}}
local co = coroutine.wrap(function() return Either:is({kind = "a", list = big}) end)
local v, err = co()
assert(v == nil and err:message():find("got table", 1, true))
big[size - 1] = 1
assert(coroutine.wrap(function() return (Either({kind = "a", list = big})) end)().list == big)
-- Long strings.
type Long = string @pattern("^(a|b)*$")
assert(Long:is(("ab"):rep(size // 10)) and not Long:is(("ab"):rep(size // 10) .. "c"))
