-- Validators of types.
local function ok(t, v) local _, err = t:is(v) assert(err == nil, tostring(err)) end
local function no(t, v, text, constraint)
  local got, err = t:is(v)
  assert(got == nil and err and err:message():find(text, 1, true), tostring(err))
  assert(err:details().constraint == constraint)
  return err
end

type S = number @min(0) @max(9)
ok(S, 0) ok(S, 9) ok(S, 4.5)
no(S, -1, "value below minimum", "min")
no(S, 10, "value above maximum", "max")
no(S, 9.25, "value above maximum", "max")
no(S, 0/0, "value below minimum", "min")
no(S, "x", "expected number, got string")

type L = string @min_len(2) @max_len(4)
ok(L, "ab") no(L, "a", "length below minimum", "min_len") no(L, "abcde", "length above maximum", "max_len")
type N = {number} @min_len(1) @max_len(2)
ok(N, {1}) no(N, {}, "length below minimum", "min_len") no(N, {1, 2, 3}, "length above maximum", "max_len")
no(N, {"a"}, "[1]: expected number")

type R = string @pattern("^[a-z]+$")
ok(R, "ab") no(R, "A1", "pattern mismatch", "pattern")
type Part = string @pattern("b+")
ok(Part, "abc") no(Part, "ac", "pattern mismatch", "pattern")
type BadRe = string @pattern("(")
no(BadRe, "a", "invalid regex", "pattern")
type BadArg = string @pattern(5)
no(BadArg, "a", "invalid pattern argument", "pattern")
type Unicode = string @pattern("^.$")
ok(Unicode, "ä") no(Unicode, "ab", "pattern mismatch", "pattern")
no(Unicode, "\xff", "pattern mismatch", "pattern")
-- The notation is RE2's: \d, \s, \w and \b know ASCII alone, brackets in classes and braces that count nothing are themselves.
type Digits = string @pattern("^\\d+$")
ok(Digits, "12") no(Digits, "\u{663}", "pattern mismatch", "pattern")
type Word = string @pattern("^\\w{1,255}$")
ok(Word, ("w"):rep(255)) no(Word, ("w"):rep(256), "pattern mismatch", "pattern") no(Word, "\u{e9}", "pattern mismatch", "pattern")
type Braces = string @pattern("^{[^[\\]{}]*}$")
ok(Braces, "{a}") no(Braces, "{[}", "pattern mismatch", "pattern")
type Often = string @pattern("^a{1001}$")
no(Often, "a", "invalid regex", "pattern")
type Large = string @pattern("^\\pL{1000}$")
no(Large, "a", "invalid regex", "pattern") no(Large, "a", "invalid regex", "pattern")

-- Skipped on other values; other names, other arguments and negative lengths are ignored.
type Loose = any @min(3) @pattern("x")
ok(Loose, {}) ok(Loose, nil) no(Loose, 1, "minimum", "min")
type Odd = number @positive @min @min("a") @min(1, 5)
ok(Odd, 1) no(Odd, 0, "minimum", "min")
type Frac = string @min_len(1.9) @max_len(-1)
ok(Frac, "a") no(Frac, "", "length below minimum", "min_len")

-- Optionals and positions.
type O1 = string @min_len(2)?
type O2 = (string @min_len(2))?
type O3 = string? @min_len(2)
for _, t in ipairs({O1, O2, O3}) do ok(t, nil) ok(t, "ab") no(t, "a", "length", "min_len") end
type Note = {note?: string @min_len(2)}
ok(Note, {}) assert(no(Note, {note = "x"}, "note: length below minimum", "min_len"):details().field == "note")
type Items = {number @min(0)}
no(Items, {1, -1}, "[2]: value below minimum", "min")
type Values = {[string]: number @max(1)}
no(Values, {a = 2}, "[a]: value above maximum", "max")
type U = (string @min_len(3)) | number
ok(U, "abc") ok(U, 1) no(U, "a", "expected string | number, got string")
-- From left to right, the inner type first.
type Order = (string @min_len(3)) @pattern("^a")
no(Order, "b", "length below minimum", "min_len") no(Order, "bcd", "pattern mismatch", "pattern") ok(Order, "abc")

-- A pattern in a member of a union of simple types.
type Named = number | (string @pattern("^x*$"))
type Maybe = 'a' | (string @pattern("^x+$"))? | true
assert(Named:is("") == "" and Named:is("xx") and Named:is(("x"):rep(5000)) and Named:is(3))
assert(tostring(select(2, Named:is("y"))) == "expected number | string, got string")
assert(Maybe:is("a") and Maybe:is("x") and Maybe:is(true) and select(2, Maybe:is(nil)) == nil)
assert(not Maybe:is("b") and not Maybe:is(false) and select(2, Maybe:is(("x"):rep(5000) .. "y")) ~= nil)
