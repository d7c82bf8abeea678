-- Takes memory until it gets an error, and tells of it. Then it gives its memory back, or "keeps" it and wants more, or "rests" with
-- most of it.
return function(parent, what)
  local held = {}
  local function eat() while true do held[#held + 1] = { #held } end end
  repeat
    local _, e = pcall(eat)
    if what == "gives" then
      held = nil
    elseif what == "rests" then
      for i = #held, #held - #held // 32, -1 do held[i] = nil end
    end
    -- The first attempt may find that nothing has been collected yet.
    repeat local sent = pcall(process.send, parent, "caught", e) until sent or what == "keeps"
  until what ~= "keeps"
  process.inbox():receive()
  return held and #held
end
