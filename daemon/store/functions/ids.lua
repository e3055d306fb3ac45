-- ids.lua - {p:NNNNN}: in which part of a contact an id lies. Dedup and locator at once.
--
-- An entry, by its first byte (field: the id's 16 bytes):
--   'p' part(16) content(4) [revision]             a touchpoint; revision in digits, absent for 0
--   'r' part(16) touchpoint(16) [conversation(16)] a message id; conversation where it is another one
--   'x'                                            erased: whoever resends it is told it is known
--
--   tl2_claim   {p:N} | id part content revision strict -> {code, part}           ids.c: store_claim
--       code new, known, revised, mismatch (strict only), erased; part: where it lies
--   tl2_refer   {p:N} | reference part touchpoint conversation|'' -> 1 new, 0     ids.c: store_refer
--   tl2_forget  {p:N} | keep id...  -> 1   marks ids erased; keep '0' drops them   erase.c
-- All may be repeated; the first claim of an id stands, whoever repeats it.

local ids = {}

function ids.touchpoint(part, content, revision)
  return 'p' .. part .. content .. (revision > 0 and string.format('%.0f', revision) or '')
end

tl.fn('claim', function(keys, args)
  local id, part, content = args[1], args[2], args[3]
  local revision, strict = tonumber(args[4]), args[5] == '1'
  local entry = redis.call('HGET', keys[1], id)
  if not entry then
    redis.call('HSET', keys[1], id, ids.touchpoint(part, content, revision))
    return {'new', part}
  end
  local form = entry:sub(1, 1)
  if form == 'x' then
    return {'erased', ''}
  end
  local there = entry:sub(2, 17)
  if form == 'r' then -- a conversation that was opened again before its first touchpoint came back
    redis.call('HSET', keys[1], id, ids.touchpoint(there, content, revision))
    return {'new', there}
  end
  local had = tonumber(entry:sub(22)) or 0
  if revision > had then
    redis.call('HSET', keys[1], id, ids.touchpoint(there, content, revision))
    return {'revised', there}
  end
  if strict and revision == had and entry:sub(18, 21) ~= content then
    return {'mismatch', there}
  end
  return {'known', there}
end)

tl.fn('refer', function(keys, args)
  return redis.call('HSETNX', keys[1], args[1], 'r' .. args[2] .. args[3] .. args[4])
end)

tl.oom('forget', function(keys, args)
  for i = 2, #args do
    if args[1] == '1' then
      redis.call('HSET', keys[1], args[i], 'x')
    else
      redis.call('HDEL', keys[1], args[i])
    end
  end
  return 1
end)
