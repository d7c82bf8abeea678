return function(n)
  if n == 3 then return n end
  process.upgrade(nil, n + 1)
end
