-- Where an error was made.
local function inner() return (errors.new("e")) end
local function outer() local e = inner() return e end
local e = outer()
print(e:stack())
local stack = errors.call_stack(e)
assert(stack.thread == "main")
for i, frame in ipairs(stack.frames) do
  assert(frame.level == i - 1)
  print(frame.source, frame.line, frame.name, frame.type)
end
assert(errors.call_stack("x") == nil and errors.call_stack(nil) == nil and errors.call_stack({}) == nil)
assert(errors.call_stack() == nil)

-- wrapping adds its own
local function rethrow(err) local w = errors.wrap(err, "re\nthrow") return w end
local w = rethrow(e)
print(w:stack())
assert(errors.call_stack(w).frames[1].name == "rethrow")

-- a coroutine has its own; native functions take part
local co = coroutine.create(function() local e = errors.new("c") coroutine.yield(e) end)
local _, c = coroutine.resume(co)
assert(errors.call_stack(c).thread == tostring(co) and #errors.call_stack(c).frames == 1)
local _, p = pcall(errors.new, "p")
print(p:stack())
local alone = coroutine.wrap(errors.new)("alone")
assert(#alone:stack() > 0 and errors.call_stack(alone).frames[1].line == -1)
local fromload = load("local e = errors.new('l') return e", "@app:entry")()
assert(errors.call_stack(fromload).frames[1].source == "app:entry")
assert(errors.call_stack(fromload).frames[1].line == 1)

-- deep recursion
local function down(n) if n == 0 then local e = errors.new("deep") return e end local e = down(n - 1) return e end
local deep = errors.call_stack(down(10000)).frames
assert(#deep > 10 and #deep < 1000 and deep[1].name == "down")
