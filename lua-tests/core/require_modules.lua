-- oracle: lua5.3
package.preload["core.virtual"] = function(n, x) return { n = n, x = x } end local m = require("core.virtual") assert(m.n == "core.virtual" and require("core.virtual") == m and package.loaded["core.virtual"] == m) local ok, e = pcall(require, "core.absent") assert(not ok and e:find("module 'core.absent' not found:") and e:find("no field package.preload%['core.absent'%]"))
