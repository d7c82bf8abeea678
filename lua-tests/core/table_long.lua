-- Table and string functions over more than they do in one slice.
local N = 100000
local t = {}
for i = 1, N do t[i] = i end

table.insert(t, 1, 0)
assert(#t == N + 1 and t[1] == 0 and t[2] == 1 and t[N + 1] == N and t[N // 2] == N // 2 - 1)
assert(table.remove(t, 1) == 0)
assert(#t == N and t[1] == 1 and t[N] == N and t[N // 2] == N // 2)
table.insert(t, 50000, "x")
assert(t[49999] == 49999 and t[50000] == "x" and t[50001] == 50000 and t[N + 1] == N)
assert(table.remove(t, 50000) == "x" and t[50000] == 50000 and t[N] == N and #t == N)

-- Overlapping in both directions, and into another table.
local u = table.move(t, 1, N, 3)
assert(u == t and t[1] == 1 and t[2] == 2 and t[3] == 1 and t[N + 2] == N and #t == N + 2)
for i = 3, N + 2 do if t[i] ~= i - 2 then error(i) end end
table.move(t, 3, N + 2, 1) t[N + 1], t[N + 2] = nil, nil
for i = 1, N do if t[i] ~= i then error(i) end end
local v = table.move(t, 1, N, 0, {})
assert(v[0] == 1 and v[N - 1] == N and v[N] == nil)
local w = table.move(t, 1, N, 2^40 | 0, {})
assert(w[(2^40 | 0) + N - 1] == N)
table.move(w, 2^40 | 0, (2^40 | 0) + N - 1, (2^40 | 0) + 5)
for i = 0, N - 1 do if w[(2^40 | 0) + 5 + i] ~= i + 1 then error(i) end end
local neg = {}
for i = -N, N do neg[i] = i end
table.move(neg, -N, N, -N + 1)
for i = -N, N do if neg[i + 1] ~= i then error(i) end end

-- Joined: strings, numbers, both, with and without something between.
-- Under `stress` each of these strings would start a collection that goes through all that is above: N * N steps.
local s = {}
collectgarbage("stop")
for i = 1, N do s[i] = "k" .. i end
collectgarbage("restart")
local joined = table.concat(s)
assert(#joined == 588895 and joined:sub(1, 6) == "k1k2k3" and joined:sub(-7) == "k100000")
joined = table.concat(s, ", ")
assert(#joined == 588895 + 2 * (N - 1) and joined:sub(-17) == "k99999, k100000" == false)
assert(joined:sub(1, 10) == "k1, k2, k3" and joined:sub(-15) == "k99999, k100000")
joined = table.concat(t, "-")
assert(#joined == 488895 + N - 1 and joined:sub(1, 6) == "1-2-3-" and joined:sub(-12) == "99999-100000")
s[N] = 0.5
joined = table.concat(s, "", 10)
assert(joined:sub(1, 6) == "k10k11" and joined:sub(-9) == "k999990.5")
assert(table.concat(s, "+", N - 20000, N - 19999) == "k80000+k80001")
assert(#table.concat({("x"):rep(300000), 1, ("y"):rep(300000)}, "--") == 600005)
s[70000] = {}
local ok, message = pcall(table.concat, s)
assert(not ok and message == "invalid value (table) at index 70000 in table for 'concat'")
s[70000] = nil
ok, message = pcall(table.concat, s, ",", 1, N)
assert(not ok and message == "invalid value (nil) at index 70000 in table for 'concat'")

-- Many values.
local packed = table.pack(table.unpack(t))
assert(packed.n == N and #packed == N and packed[1] == 1 and packed[N] == N and packed[N // 2] == N // 2)
assert(select("#", table.unpack(t)) == N and select("#", table.unpack(t, 5)) == N - 4)
assert(select("#", table.unpack(t, 1, 90000)) == 90000)
assert((select(-1, table.unpack(t, 11, N))) == N and (select(1, table.unpack(t, 11, N))) == 11)
assert(select("#", table.unpack(t, 1, N, 1, 2, 3)) == N)
assert(select("#", table.unpack({}, 1, N)) == N)
assert(select("#", table.unpack({}, math.mininteger, math.mininteger + N)) == N + 1)

-- Searching and counting.
local long = ("x"):rep(1000000) .. "yz" .. ("x"):rep(10)
assert(long:find("yz", 1, true) == 1000001 and long:find("xyz", 1, true) == 1000000)
assert(long:find(("x"):rep(300000) .. "y", 1, true) == 700001)
assert(long:find("zy", 1, true) == nil and long:find("yz", 1000002, true) == nil and long:find("", 1000013, true) == 1000013)
assert(long:find("yzx", 999999) == 1000001)
local umlauts = ("ä"):rep(N)
assert(utf8.len(umlauts) == N and utf8.offset(umlauts, N) == 2 * N - 1 and utf8.offset(umlauts, N + 1) == 2 * N + 1)
assert(utf8.offset(umlauts, N + 2) == nil and utf8.offset(umlauts, -N) == 1 and utf8.offset(umlauts, -N - 1) == nil)
assert(utf8.offset(umlauts, -1) == 2 * N - 1 and utf8.offset(umlauts, N // 2) == N - 1)
for _, n in ipairs {4095, 4096, 4097, 8191, 8192, 8193, 12289} do
  assert(utf8.offset(umlauts, n) == 2 * n - 1 and utf8.offset(umlauts, -n) == 2 * (N - n) + 1)
end
assert(long:upper():sub(-13) == "XYZXXXXXXXXXX" and long:upper():lower() == long)
local replaced, count = ("ab "):rep(N):gsub("a", "b")
assert(count == N and replaced == ("bb "):rep(N))
