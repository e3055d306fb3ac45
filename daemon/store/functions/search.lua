-- search.lua - {x:NN}: folded words, addresses and number prefixes to contacts. Written after the contact, rebuilt
-- by reindex, so it may lag and never decides anything.
--
-- A member is WORD NUL contact(16); all scores are 0, so members stand in the order of their bytes.
--
--   tl2_index   {x:NN} | '1' add or '0' remove, member... -> 1              search.c
--   tl2_search  {x:NN} | prefix limit -> {contact(16)...}                   search.c

tl.oom('index', function(keys, args)
  for i = 2, #args do
    if args[1] == '1' then
      redis.call('ZADD', keys[1], 0, args[i])
    else
      redis.call('ZREM', keys[1], args[i])
    end
  end
  return 1
end)

tl.ro('search', function(keys, args)
  local found, seen = {}, {}
  for _, member in ipairs(redis.call('ZRANGE', keys[1], '[' .. args[1], '(' .. args[1] .. '\255', 'BYLEX', 'LIMIT', 0,
    tonumber(args[2]))) do
    local id = member:sub(-16)
    if not seen[id] then
      seen[id] = true
      found[#found + 1] = id
    end
  end
  return found
end)
