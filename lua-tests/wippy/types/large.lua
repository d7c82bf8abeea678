-- budget: 20s 512MiB
-- Large values are validated in slices, with the same result.
type Numbers = {number}
type Rows = {{id: integer, tags: {string}}}
type Counts = {[string]: integer}
local big = {}
for i = 1, 1000000 do big[i] = i end
assert(Numbers:is(big))
big[999999] = "x"
assert(select(2, Numbers:is(big)):details().field == "[999999]")
local rows = {}
for i = 1, 100000 do rows[i] = {id = i, tags = {"a", "b"}} end
assert(Rows:is(rows))
rows[90000].tags[2] = 1
assert(select(2, Rows:is(rows)):details().field == "[90000].tags[2]")
local counts = {}
for i = 1, 200000 do counts["k" .. i] = i end
assert(Counts:is(counts))
counts.wrong = "x"
assert(select(2, Counts:is(counts)):details().field == "[wrong]")
-- In a coroutine, and in the middle of a union.
type Either = {kind: "a", list: {number}} | {kind: "b", list: {string}}
local co = coroutine.wrap(function() return Either:is({kind = "a", list = big}) end)
local v, err = co()
assert(v == nil and err:message():find("got table", 1, true))
big[999999] = 1
assert(coroutine.wrap(function() return (Either({kind = "a", list = big})) end)().list == big)
-- Long strings.
type Long = string @pattern("^(a|b)*$")
assert(Long:is(("ab"):rep(100000)) and not Long:is(("ab"):rep(100000) .. "c"))
