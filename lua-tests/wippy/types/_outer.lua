local shapes = require("_shapes")
type Server = {config: shapes.Config, name: string}
type Words = {box: shapes.Box<string>}
return {Config = shapes.Config, Server = Server, Words = Words, Inner = shapes.Config}
