-- oracle: lua5.3
local w = setmetatable({}, { __mode = "v" }) w[1] = {} w[2] = "s" w.k = function() return w end local keep = {} w[3] = keep collectgarbage() assert(w[1] == nil and w[2] == "s" and w[3] == keep) local e = setmetatable({}, { __mode = "k" }) do local k = {} e[k] = { k } end collectgarbage() assert(next(e) == nil)
