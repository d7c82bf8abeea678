-- oracle: lua5.3
local f = io.tmpfile() local mt = getmetatable(f) assert(mt.__name == "FILE*" and mt.__index and io.type(f) == "file" and tostring(f):find("^file %(")) f:close() assert(io.type(f) == "closed file" and tostring(f) == "file (closed)" and not pcall(f.read, f))
