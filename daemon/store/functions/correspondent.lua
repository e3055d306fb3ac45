-- correspondent.lua - what is known of somebody who writes: how much lately, acknowledged when, an address that fails.
--
-- Fields of {c_ID}:c beside those of contact.lua
--   k        touchpoint(16) of the last automatic acknowledgement, then when, ms
--   uHASH    JSON of why the identity cannot be written to: {"state", "at", "status", "reason"}
--
--   tl2_recent   :t :b | from to channel at_most id -> n   inbound ones of a channel between; stops counting  correspondent.c
--   tl2_once     :c | touchpoint now per -> 1, 0           1 for the first in that time, and for it again     correspondent.c
--   tl2_mark     :c | hash json payload -> 1, 0            0: it has no such identity                         correspondent.c
--   tl2_unmark   :c | hash payload -> 1, 0                 1: there was a mark of a failure                   correspondent.c

local correspondent = {}

correspondent.PAGE = 64

-- Nothing is stored for it: the timeline itself tells. Few calls unless there was a flood.
tl.ro('recent', function(keys, args)
  local channel, most, n, at = contact.channel_at[args[3]] or 11, tonumber(args[4]), 0, 0
  if redis.call('ZCOUNT', keys[1], args[1], args[2]) < most then
    return 0
  end
  while n < most and at < 16 * most do
    local ids = redis.call('ZREVRANGEBYSCORE', keys[1], args[2], args[1], 'LIMIT', at, correspondent.PAGE)
    for i = 1, #ids do
      local s = ids[i] ~= args[5] and redis.call('HGET', keys[2], ids[i])
      local r = s and contact.body_read(ids[i], s)
      if r and r.channel == channel and contact.has(r.flags, contact.INBOUND) then
        n = n + 1
      end
    end
    at = at + correspondent.PAGE
    if #ids < correspondent.PAGE then
      break
    end
  end
  return n
end)

tl.fn('once', function(keys, args)
  local last = redis.call('HGET', keys[1], 'k')
  if last and last:sub(1, 16) == args[1] then
    return 1
  end
  if last and tonumber(last:sub(17)) + tonumber(args[3]) > tonumber(args[2]) then
    return 0
  end
  redis.call('HSET', keys[1], 'k', args[1] .. args[2])
  return 1
end)

tl.fn('mark', function(keys, args)
  if redis.call('HEXISTS', keys[1], 'i' .. args[1]) == 0 then
    return 0
  end
  redis.call('HSET', keys[1], 'u' .. args[1], args[2])
  redis.call('HINCRBY', keys[1], 'v', 1)
  contact.publish(keys[1], args[3])
  return 1
end)

-- Somebody wrote from there, so it can be written to. What he complained about stays.
tl.fn('unmark', function(keys, args)
  local s = redis.call('HGET', keys[1], 'u' .. args[1])
  if not s or s:find('"complained"', 1, true) then
    return 0
  end
  redis.call('HDEL', keys[1], 'u' .. args[1])
  redis.call('HINCRBY', keys[1], 'v', 1)
  contact.publish(keys[1], args[2])
  return 1
end)
