-- Leases: {s:NAME} is a hash of holder, fence and until (ms of Redis TIME).
-- The key never expires: fence must rise for ever, a holder that slept through its lease is told by it.
-- Called by store/session.c.

local lease = {}

function lease.read(key)
  local v = redis.call('HMGET', key, 'holder', 'fence', 'until')
  return v[1] or '', tonumber(v[2]) or 0, tonumber(v[3]) or 0
end

-- keys: {s:NAME}. args: holder, ms. Answers {held 1 or 0, fence, ms left}.
tl.fn('lease_take', function(keys, args)
  local holder, fence, ends = lease.read(keys[1])
  local now, ms = tl.now(), tonumber(args[2])
  if holder ~= args[1] then
    if ends > now then return {0, fence, ends - now} end
    fence = fence + 1
  end
  redis.call('HSET', keys[1], 'holder', args[1], 'fence', fence, 'until', now + ms)
  return {1, fence, ms}
end)

-- keys: {s:NAME}. args: holder. Answers 1 where it was his. The next holder raises the fence.
tl.fn('lease_drop', function(keys, args)
  local holder = lease.read(keys[1])
  if holder ~= args[1] then return 0 end
  redis.call('HSET', keys[1], 'holder', '', 'until', 0)
  return 1
end)

