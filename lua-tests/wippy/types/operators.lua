-- What operators make of types stays apart, however many there are in one type.
for levels = 1, 12 do
  for names = 1, 6 do
    local source, open, close = {}, "", ""
    for i = 1, levels do
      local fields = {}
      for j = 1, names do fields[j] = ("f%d_%d: 1"):format(i, j) end
      source[i] = ("type T%d = {%s}"):format(i, table.concat(fields, ", "))
      open = open .. ("{k: keyof(T%d), x: {x: {x: "):format(i)
      close = "}}}" .. close
    end
    source = table.concat(source, "\n") .. "\ntype R = " .. open .. "nil" .. close .. " return R"
    local R = assert(load(source))()
    -- With the wrong key at one level, or none.
    local function value(wrong)
      local v
      for i = levels, 1, -1 do
        local at = i == wrong and i % levels + 1 or i
        v = {k = ("f%d_%d"):format(at, names), x = {x = {x = v}}}
      end
      return v
    end
    local v, err = R:is(value())
    assert(v, tostring(err))
    for i = 1, levels > 1 and levels or 0 do
      v, err = R:is(value(i))
      assert(not v and err:details().field == ("x.x.x."):rep(i - 1) .. "k", tostring(err))
    end
  end
end
