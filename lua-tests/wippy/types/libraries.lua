-- Types of libraries.
local shapes = require("_shapes")
local outer = require("_outer")

assert(type(shapes.Config) == "type" and rawequal(shapes.Config, outer.Config) and rawequal(outer.Inner, shapes.Config))
assert(shapes.Config:is(shapes.make()))
assert(select(2, shapes.Config:is({host = "x"})):message() == "port: required field missing")
assert(pcall(shapes.Config, {host = "x", port = 1}) and not pcall(shapes.Config, {host = "x", port = 0}))
assert(shapes.Config:name() == "Config" and Config == nil)

type App = {config: shapes.Config, more: {[string]: shapes.Config}?, s: outer.Server?}
local good = {host = "h", port = 1}
assert(App:is({config = good, more = {a = good}, s = {config = good, name = "n"}}))
assert(select(2, App:is({config = {host = 1, port = 1}})):details().field == "config.host")
assert(select(2, App:is({config = good, more = {k = {}}})):details().field == "more[k].host")
assert(select(2, App:is({config = good, s = {config = {host = "h", port = 0}, name = "n"}})):message()
  == "s.config.port: value below minimum")
assert(App.config:kind() == "record" and rawequal(App.config, shapes.Config) and rawequal(App.s:inner().config, shapes.Config))

-- Generic ones.
type Text = shapes.Box<string>
assert(Text:is({value = "x"}) and select(2, Text:is({value = 1})):message() == "value: expected string, got number")
assert(outer.Words:is({box = {value = "x"}}) and not outer.Words:is({box = {value = 1}}))
assert(shapes.Box(string):is({value = "x"}) and Text == shapes.Box(string))
assert(Text:kind() == "instantiated" and Text.value:kind() == "string")

-- As annotations.
local function use(c: shapes.Config): outer.Server return {config = c, name = "x"} end
assert(use(good).config == good)
local cases = {{t = shapes.Config, v = good}, {t = String, v = "s"}}
for _, case in ipairs(cases) do assert(case.t:is(case.v)) end

-- What the module does not export.
type Bad = {x: shapes.Nothing}
assert(select(2, Bad:is({x = 1})):message() == "x: unresolved type shapes.Nothing"
  or select(2, Bad:is({x = 1})):message() == "x: unresolved type _shapes.Nothing")

-- Made from types of libraries.
type Field = keyof(shapes.Config)
type Host = shapes.Config["host"]?
type Kind = shapes.Config extends {host: string} ? "config" : "other"
assert(Field:is("port") and not Field:is("x") and select(2, Field:is("x")):message() == 'expected "host" | "port", got string')
assert(Host:is("h") and select(2, Host:is(nil)) == nil and not Host:is(5))
assert(Kind:is("config") and not Kind:is("other"))
type Whole = {field: Field, host: Host, kind: Kind, list: {keyof(shapes.Config)}}
for _ = 1, 3 do
  assert(Whole:is({field = "host", kind = "config", list = {"host", "port"}}))
  assert(select(2, Whole:is({field = "host", kind = "config", list = {"host", "x"}})):details().field == "list[2]")
  assert(select(2, Whole:is({field = "host", host = 5, kind = "config", list = {}})):message() == "host: expected string, got number")
end
type NoField = {x: keyof(shapes.Nothing)}
assert(select(2, NoField:is({x = 1})):message():find("x: unresolved type keyof(", 1, true))

-- Any number of parts may have types of other modules.
package.preload.ids = load([[ type Id = string; type Ref = Id; return {Id = Id, Ref = Ref} ]])
local ids = require "ids"
type Ids = {ids.Id}
type Refs = {[ids.Id]: ids.Ref | nil}
local list, map = {}, {}
for i = 1, 1000 do
  list[i] = "id"
  map["id" .. i] = "x"
end
assert(Ids:is(list) == list and Refs:is(map) == map)
list[900] = 5
assert(select(2, Ids:is(list)):message() == "[900]: expected string, got number")
