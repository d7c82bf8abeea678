-- oracle: lua5.3
-- Escapes, long brackets, line ends inside them.
print("\a\b\f\v\\\"\'" == "\7\8\12\11\92\34\39", "\x41\65\065\u{41}", "a\
b", "a\z
      b", '\'', "\0651")
print(#"\0\00\000", "\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}" == utf8.char(0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff))
print([[one
two]], [==[
]]three]==], #[[

]], [[\n]], #[=[]=])
print(load("return 'a\\\r\nb'")() == "a\nb", load("return [[a\r\nb\n\rc\rd]]")() == "a\nb\nc\nd")
for _, s in ipairs { [["\q"]], [["\300"]], [["\xg0"]], [["\x4"]], [["\u{}"]], [["\u{110000}"]], [["\u41"]], [["\u{41"]], "'abc", "'a\nb'", "[[abc", "[=abc", "'\\", [["\u{80000000}"]] } do
  print(load("return " .. s))
end
