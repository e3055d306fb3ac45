-- task_route.lua - the router's own writes. Each carries the fence of its lease; a lower one is refused.
--
-- {r}:lease  hash: holder, fence, until (Redis TIME). The fence rises with each new holder, so a router that woke up
--            late does no harm: whatever it decided is refused here.
-- {r}:s      zset: until (Redis TIME) -> 'AGENT DAEMON', an agent's streams at a daemon     {r}:sn  agent -> how many daemons
--
--   tl1_route_lease   holder ms -> {held, fence, left_ms}           tl1_route_leave  holder -> 1, 0
--   tl1_route_offer   fence now id rev agent expires weight units channel_max reason ask_again
--   tl1_route_return  fence now id agent n why reason exclude_until missed
--   tl1_route_end     fence now id reason           tl1_route_wake    fence now id reason
--       -> {code ok|stale|later|fence, own, json}   own is '' where the task is no longer open
--   tl1_route_rest    fence now agent reason -> {code}
--   tl1_route_trim    fence now keep_log_ms -> {code}
--   tl1_streams       now daemon ttl agent... -> 1     tl1_stream_end  now daemon agent -> 1
--   tl1_streams_sweep fence now -> {code}
-- All called by task_route.c.

function task.fenced(r, fence)
  return redis.call('HGET', r .. ':lease', 'fence') == fence
end

tl.fn('route_lease', function(keys, args)
  local key, now, ms = keys[1] .. ':lease', tl.now(), tonumber(args[2])
  local v = redis.call('HMGET', key, 'holder', 'fence', 'until')
  local fence, till = tonumber(v[2]) or 0, tonumber(v[3]) or 0
  if v[1] ~= args[1] then
    if till > now then
      return {0, fence, till - now}
    end
    fence = fence + 1
  end
  redis.call('HSET', key, 'holder', args[1], 'fence', fence, 'until', now + ms)
  return {1, fence, ms}
end)

tl.fn('route_leave', function(keys, args)
  local key = keys[1] .. ':lease'
  if redis.call('HGET', key, 'holder') ~= args[1] then
    return 0
  end
  redis.call('HSET', key, 'holder', '', 'until', 0)
  return 1
end)

function task.answer(r, code, id)
  local t = task.load(r, id)
  return {code, t and task.own(t) or '', t and task.json(t) or ''}
end

-- Room for one more: units in all, and tasks of the channel.
function task.has_room(r, agent, channel, weight, units, channel_max)
  local used, of_channel = weight, 0
  for _, v in ipairs(redis.call('HVALS', r .. ':a:' .. agent)) do
    local w, ch = v:match('^(%d+) (.*)$')
    used = used + tonumber(w)
    of_channel = of_channel + (ch == channel and 1 or 0)
  end
  return used <= units and of_channel < channel_max
end

tl.fn('route_offer', function(keys, args)
  local r, now, id, agent = keys[1], tonumber(args[2]), args[3], args[5]
  if not task.fenced(r, args[1]) then
    return {'fence'}
  end
  local t, weight = task.load(r, id), tonumber(args[7])
  if not t or t.state ~= 'waiting' or t.rev ~= tonumber(args[4]) then
    return task.answer(r, 'stale', id)
  end
  local p = task.presence(r, agent)
  if p.state ~= 'available' or p.lost > 0 or
    not task.has_room(r, agent, t.channel, weight, tonumber(args[8]), tonumber(args[9])) then
    return task.answer(r, 'later', id)
  end
  if args[11] == '1' then
    t.x = {}
  end
  t.weight, t.n = weight, t.n + 1
  task.change(r, t, now, {to = 'offered', agent = agent, till = tonumber(args[6]), who = agent, reason = args[10],
    kind = 'offer', tell = agent})
  return {'ok', task.own(t), task.json(t)}
end)

tl.fn('route_return', function(keys, args)
  local r, now, id, agent = keys[1], tonumber(args[2]), args[3], args[4]
  if not task.fenced(r, args[1]) then
    return {'fence'}
  end
  local t = task.load(r, id)
  local expired = args[9] == '1'
  if not t or (t.state ~= 'offered' and t.state ~= 'accepted') or t.agent ~= agent or t.n ~= tonumber(args[5]) or
    expired and t.state ~= 'offered' then
    return task.answer(r, 'stale', id)
  end
  local till = tonumber(args[8])
  task.exclude(t, agent, now, till > 0 and till - now or 0)
  task.no_wish(t)
  if expired then
    local p = task.presence(r, agent)
    p.missed = p.missed + 1
    redis.call('HSET', r .. ':p', agent, cmsgpack.pack(p))
  end
  task.back(r, t, now, args[7], t.state == 'offered' and 'revoke', args[6])
  return {'ok', task.own(t), task.json(t)}
end)

tl.fn('route_end', function(keys, args)
  local r, id = keys[1], args[3]
  if not task.fenced(r, args[1]) then
    return {'fence'}
  end
  local t = task.load(r, id)
  if not t or t.state ~= 'wrapup' then
    return task.answer(r, 'stale', id)
  end
  task.change(r, t, tonumber(args[2]), {to = 'done', reason = args[4], why = 'wrapup'})
  return {'ok', '', task.json(t)}
end)

tl.fn('route_wake', function(keys, args)
  local r, id = keys[1], args[3]
  if not task.fenced(r, args[1]) then
    return {'fence'}
  end
  local t = task.load(r, id)
  if not t or t.state ~= 'snoozed' then
    return task.answer(r, 'stale', id)
  end
  task.back(r, t, tonumber(args[2]), args[4])
  return {'ok', task.own(t), task.json(t)}
end)

-- He let too many offers pass.
tl.fn('route_rest', function(keys, args)
  local r, agent = keys[1], args[3]
  if not task.fenced(r, args[1]) then
    return {'fence'}
  end
  local p = task.presence(r, agent)
  if p.state ~= 'available' then
    return {'stale'}
  end
  task.set_presence(r, agent, p, tonumber(args[2]), 'away', args[4])
  return {'ok'}
end)

-- What ended before the window, and the log's old entries (archived by then).
tl.oom('route_trim', function(keys, args)
  local r, now = keys[1], tonumber(args[2])
  if not task.fenced(r, args[1]) then
    return {'fence'}
  end
  for _, id in ipairs(redis.call('ZRANGE', r .. ':ended', '-inf', now - task.WINDOW_MS, 'BYSCORE', 'LIMIT', 0, 500)) do
    local t = task.ended(r, id)
    if t and t.conv ~= '' and redis.call('HGET', r .. ':dv', t.conv) == id then
      redis.call('HDEL', r .. ':dv', t.conv)
    end
    redis.call('HDEL', r .. ':done', id)
    redis.call('ZREM', r .. ':ended', id)
  end
  redis.call('XTRIM', r .. ':log', 'MINID', '~', task.number(tl.now() - tonumber(args[3])) .. '-0')
  return {'ok'}
end)

-- ---- streams ----

function task.connected(r, agent, now, is)
  local p = task.presence(r, agent)
  p.lost = is and 0 or now
  redis.call('HSET', r .. ':p', agent, cmsgpack.pack(p))
  task.log(r, 'type', 'stream', 'agent', agent, 'lost', task.number(p.lost))
end

function task.stream_gone(r, member, now)
  if redis.call('ZREM', r .. ':s', member) == 0 then
    return
  end
  local agent = member:match('^(.*) [^ ]*$')
  if redis.call('HINCRBY', r .. ':sn', agent, -1) <= 0 then
    redis.call('HDEL', r .. ':sn', agent)
    task.connected(r, agent, now, false)
  end
end

tl.fn('streams', function(keys, args)
  local r, now, till = keys[1], tonumber(args[1]), tl.now() + tonumber(args[3])
  for i = 4, #args do
    if redis.call('ZADD', r .. ':s', till, args[i] .. ' ' .. args[2]) == 1 and
      redis.call('HINCRBY', r .. ':sn', args[i], 1) == 1 then
      task.connected(r, args[i], now, true)
    end
  end
  return 1
end)

tl.fn('stream_end', function(keys, args)
  task.stream_gone(keys[1], args[3] .. ' ' .. args[2], tonumber(args[1]))
  return 1
end)

tl.fn('streams_sweep', function(keys, args)
  local r = keys[1]
  if not task.fenced(r, args[1]) then
    return {'fence'}
  end
  for _, member in ipairs(redis.call('ZRANGE', r .. ':s', '-inf', tl.now(), 'BYSCORE', 'LIMIT', 0, 500)) do
    task.stream_gone(r, member, tonumber(args[2]))
  end
  return {'ok'}
end)
