type Config = {host: string, port: integer @min(1)}
type Box<T> = {value: T}
local function make(): Config
  return {host = "localhost", port = 80}
end
return {Config = Config, Box = Box, make = make}
