-- Types survive `string.dump` and `load`.
local source = [[
  type User = {name: string @pattern("^[a-z]+$"), age?: integer @min(0), kind: "a" | "b" | 3 | 1.5 | true, f: (x: number, ...string) -> (string, nil)}
  type Tree<T: {id: string}> = {value: T, kids: {Tree<T>}, m: {[string]: T}, o: T?, r: readonly {T}}
  type Other = lib.Thing<string> | Channel<number> | Missing | keyof(User) | User["name"]
  type Cond<T> = T extends string ? 1 : 2
  interface Base function go(): string end
  interface Shape: Base function area(n: number): number end
  local function inner() return User, function() return Tree end end
  return inner, User, Tree, Other, Shape, Cond
]]
for _, strip in ipairs({false, true}) do
  local f = assert(load(source))
  local again = assert(load(string.dump(f, strip), "=again", "b"))
  local inner, User, Tree, Other, Shape, Cond = again()
  local _, User0, Tree0, Other0, Shape0, Cond0 = f()
  assert(User == User0 and not rawequal(User, User0) and Shape == Shape0)
  assert(Tree(User) == Tree0(User0) and Other == Other0 and Cond(String) == Cond0(String))
  assert(User:is({name = "ab", kind = 3, f = print}) and not User:is({name = "AB", kind = 3, f = print}))
  local own, tree = inner()
  assert(rawequal(own, User) and rawequal(tree(), Tree))
  -- A function of the chunk alone takes its types along, shared by those inside it.
  local part = assert(load(string.dump(inner, strip), "=part", "b"))
  local own2, tree2 = part()
  assert(own2 == User and tree2():kind() == "generic")
  assert(string.dump(again, strip) == string.dump(assert(load(string.dump(again, strip), "=again", "b")), strip))
end
-- Damaged chunks are refused or work.
local bytes = string.dump(assert(load(source)))
for at = 1, #bytes, 7 do
  for _, byte in ipairs({0, 1, 0x7f, 0xff}) do
    local changed = bytes:sub(1, at - 1) .. string.char(byte) .. bytes:sub(at + 1)
    local f = load(changed, "=changed", "b")
    assert(f == nil or type(f) == "function")
  end
  assert(at == #bytes or load(bytes:sub(1, at), "=cut", "b") == nil)
end
