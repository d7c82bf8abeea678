-- Looking into types.
type User = {name: string, age?: number, tags: {string}, kind: string, extra: string?}
local names, kinds = {}, {}
for name, t in User:fields() do names[#names + 1] = name kinds[#kinds + 1] = t:kind() end
assert(table.concat(names, " ") == "name age tags kind extra")
assert(table.concat(kinds, " ") == "string number array string optional")
assert(User:name() == "User" and User:kind() == "record" and User.age:kind() == "number")
assert(User.tags:elem():kind() == "string" and User.missing == nil and User[1] == nil)
-- What has the name of a method and of a field is the field's type, and the method where it is called with a type.
assert(User.name:kind() == "string" and User.kind:name() == "string" and User.name == String)
assert(User.kind(User) == "record" and User.name(User) == "User" and User.name(String) == "string")
assert(User.name("x") == "x" and not pcall(User.name, 5) and not User.name:is(5))
assert(rawequal(User.name, User.name) and User["fields"](User)() == "name")
for field, t in User:fields() do assert(field ~= "name" or t == User.name) end
assert(type(User.fields) == "function" and type(User.is) == "function")
type Plain = {title: string}
assert(Plain.title:kind() == "string" and Plain.title == string.is and false or Plain.title == String)

type Arr = {number}
type Map = {[string]: Arr}
type Opt = Arr?
type U = string | number | nil
type F = (a: string, b: number?, ...any) -> (boolean, string)
type G = () -> string
type H = () -> ()
type Both = Arr & Map
type Lit = "x"
type Box<T: {id: string}, U> = {value: T, other: U}
type Inst = Box<User, string>
type Id = string @min_len(3)
interface Shape function area(): number end

local function kind(t) return t:kind() end
assert(kind(Arr) == "array" and kind(Map) == "map" and kind(Opt) == "optional" and kind(U) == "union")
assert(kind(F) == "function" and kind(Both) == "intersection" and kind(Lit) == "unknown" and kind(Box) == "generic")
assert(kind(Inst) == "instantiated" and kind(Shape) == "unknown" and kind(Id) == "string")
for _, name in ipairs({"nil", "boolean", "number", "integer", "string", "any", "unknown", "never"}) do
  local t = load("type T = " .. name .. " return T")()
  assert(t:kind() == name and t:name() == "T")
end
assert(Arr:elem():name() == "number" and Map:key():kind() == "string" and Map:val():kind() == "array")
assert(Map:val():name() == "Arr" and rawequal(Map:val(), Arr) and rawequal(Arr:elem(), Number))
assert(Opt:inner():kind() == "array" and rawequal(Opt:inner(), Arr))
local variants = {}
for t in U:variants() do variants[#variants + 1] = t:kind() end
assert(table.concat(variants, " ") == "string number nil")
local params = {}
for t in F:params() do params[#params + 1] = t:kind() end
assert(table.concat(params, " ") == "string optional")
assert(F:ret():kind() == "tuple" and tostring(F:ret()) == "(boolean, string)" and G:ret():kind() == "string")
assert(H:ret() == nil)
local tparams = {}
for name, bound in Box:tparams() do tparams[#tparams + 1] = name .. ":" .. (bound and bound:kind() or "nil") end
assert(table.concat(tparams, " ") == "T:record U:nil")
assert(Inst.other:kind() == "string" and rawequal(Inst.value, User))

-- What does not apply gives nil.
assert(User:elem() == nil and Arr:key() == nil and Arr:val() == nil and Arr:inner() == nil and Arr:fields() == nil)
assert(Arr:variants() == nil and Arr:params() == nil and Arr:ret() == nil and Arr:tparams() == nil)
assert(({pcall(User.kind)})[1] == false and ({pcall(User.kind, 5)})[1] == false)
assert(Arr:elem():elem() == nil and Arr.elem(Arr) == Number)

-- Texts.
for text, t in pairs({["number[]"] = load("return ...")(User.tags) and Arr}) do
  assert(tostring(User.tags) == "string[]" and tostring(t) == "Arr")
end
local function rendered(source)
  return tostring(load("type R = {f: " .. source .. "} return R")().f)
end
for source, text in pairs({
  ["number?"] = "number?",
  ["{number}"] = "number[]",
  ["{[string]: number?}"] = "{[string]: number?}",
  ["{a: string, b?: {number}}"] = "{a: string, b?: number[]}",
  ["(a: string, ...number) -> boolean"] = "fun(a: string, ...number) -> boolean",
  ["() -> ()"] = "fun() -> ()",
  ["() -> (string, number)"] = "fun() -> (string, number)",
  ["string | number"] = "string | number",
  ["(string | number)?"] = "(string | number)?",
  ["{string | number}"] = "(string | number)[]",
  ["{a: number} & {b: number}"] = "{a: number} & {b: number}",
  ["'lit' | 3 | -1.5 | true"] = '"lit" | 3 | -1.5 | true',
  ["Channel<string>"] = "Channel<string>",
  ["string @min_len(3)"] = "string",
  ["(() -> string) | number"] = "fun() -> string | number",
}) do
  assert(rendered(source) == text, rendered(source))
end
