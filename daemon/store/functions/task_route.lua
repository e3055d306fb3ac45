-- task_route.lua - the router's own writes. Each carries the fence of its lease; a lower one is refused.
--
-- {r}:lease  hash: holder, fence, until (Redis TIME). The fence rises with each new holder, so a router that woke up
--            late does no harm: whatever it decided is refused here.
-- {r}:s      zset: until (Redis TIME) -> 'AGENT DAEMON', an agent's streams at a daemon     {r}:sn  agent -> how many daemons
--
--   tl2_route_lease   holder ms -> {held, fence, left_ms}           tl2_route_leave  holder -> 1, 0
--   tl2_route_offer   fence now id rev expires weight reason ask_again turn_queue turn (agent units channel_max)...
--       to all of them that can have it; turn_queue: of which queue it was the first one's turn, '' of none
--   tl2_route_return  fence now id agent n why reason exclude_until missed
--   tl2_route_end     fence now id reason           tl2_route_wake    fence now id reason
--       -> {code ok|stale|later|fence, own, json}   own is '' where the task is no longer open
--   tl2_route_step    fence now id rev step relax add raise move_to notify reason       relax: lines 'SKILL LEVEL', add: lines
--   tl2_route_rest    fence now agent reason state('away' missed, 'offline' drained) -> {code}
--   tl2_route_turns   -> {queue, agent, turn, …}
--   tl2_route_trim    fence now keep_log_ms -> {code}
--   tl2_streams       now daemon ttl agent... -> 1     tl2_stream_end  now daemon agent -> 1
--   tl2_streams_sweep fence now -> {code}
-- All called by task_route.c.

task.TURNS_MAX = 200000

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

-- Those of the arguments from `at` on that can have it now.
function task.able(r, t, args, at)
  local able = {}
  for i = at, #args, 3 do
    local p = task.presence(r, args[i])
    if p.state == 'available' and p.lost == 0 and
      task.has_room(r, args[i], t.channel, tonumber(args[6]), tonumber(args[i + 1]), tonumber(args[i + 2])) then
      able[#able + 1] = args[i]
    end
  end
  return able
end

tl.fn('route_offer', function(keys, args)
  local r, now, id = keys[1], tonumber(args[2]), args[3]
  if not task.fenced(r, args[1]) then
    return {'fence'}
  end
  local t = task.load(r, id)
  if not t or t.state ~= 'waiting' or t.rev ~= tonumber(args[4]) then
    return task.answer(r, 'stale', id)
  end
  local able = task.able(r, t, args, 11)
  if #able == 0 then
    return task.answer(r, 'later', id)
  end
  if args[8] == '1' then
    t.x = {}
  end
  if args[9] ~= '' then
    redis.call('HSET', r .. ':turns', args[9] .. ' ' .. able[1], args[10])
  end
  local first = table.remove(able, 1)
  t.weight, t.n = tonumber(args[6]), t.n + 1
  task.change(r, t, now, {to = 'offered', agent = first, more = able, till = tonumber(args[5]), who = first,
    reason = args[7], kind = 'offer', tell = first})
  for _, agent in ipairs(able) do
    task.tell(r, t, 'offer', agent)
  end
  return {'ok', task.own(t), task.json(t)}
end)

tl.ro('route_turns', function(keys)
  local out, all = {}, redis.call('HGETALL', keys[1] .. ':turns')
  for i = 1, #all, 2 do
    local queue, agent = all[i]:match('^([^ ]*) (.*)$')
    out[#out + 1], out[#out + 2], out[#out + 3] = queue, agent, all[i + 1]
  end
  return out
end)

-- What the router knew of it still holds.
function task.may_return(t, agent, n, why, now)
  if not t or t.n ~= n or not task.holds(t, agent) then
    return false
  elseif why == 'expired' then
    return t.state == 'offered'
  elseif why == 'untouched' then
    return t.state == 'accepted' and t.till > 0 and t.till <= now
  end
  return t.state == 'offered' or t.state == 'accepted'
end

function task.expire(r, t, now, till, penalise)
  for _, agent in ipairs(task.holders(t)) do
    local p = task.presence(r, agent)
    p.missed, p.ended = p.missed + 1, penalise and now or p.ended
    redis.call('HSET', r .. ':p', agent, cmsgpack.pack(p))
    task.exclude(t, agent, now, till > 0 and till - now or 0)
    task.refused(t, agent, now)
    if agent ~= t.agent then
      task.stat(r, agent, now, 'missed', 1)
    end
  end
end

tl.fn('route_return', function(keys, args)
  local r, now, id, agent, why = keys[1], tonumber(args[2]), args[3], args[4], args[6]
  if not task.fenced(r, args[1]) then
    return {'fence'}
  end
  local t, till = task.load(r, id), tonumber(args[8])
  if not task.may_return(t, agent, tonumber(args[5]), why, now) then
    return task.answer(r, 'stale', id)
  end
  if why == 'expired' then
    task.expire(r, t, now, till, args[9] == '1')
  else
    task.exclude(t, agent, now, till > 0 and till - now or 0)
    task.refused(t, agent, now)
    if task.drop(r, t, now, agent, args[7], why) then
      return {'ok', task.own(t), task.json(t)}
    end
  end
  task.back(r, t, now, args[7], t.state == 'offered' and 'revoke', why)
  return {'ok', task.own(t), task.json(t)}
end)

-- ---- steps ----

-- The smallest level from now on; 0 asks for nothing.
function task.relax(t, lines)
  local kept = {}
  for _, need in ipairs(cjson.decode(t.skills)) do
    local level = tonumber(('\n' .. lines):match('\n' .. need.name:gsub('%W', '%%%0') .. ' (%d+)\n'))
    need.min = level and math.min(level, need.min) or need.min
    kept[#kept + 1] = need.min > 0 and '{"name":' .. task.text(need.name) .. ',"min":' .. task.number(need.min) .. '}' or nil
  end
  t.skills = '[' .. table.concat(kept, ',') .. ']'
end

function task.add_queues(t, lines)
  for queue in lines:gmatch('([^\n]+)\n') do
    local known = queue == t.queue
    for _, q in ipairs(t.added) do
      known = known or q == queue
    end
    if not known and #t.added < 8 then
      t.added[#t.added + 1] = queue
    end
  end
end

tl.fn('route_step', function(keys, args)
  local r, now, id, bit = keys[1], tonumber(args[2]), args[3], 2 ^ tonumber(args[5])
  if not task.fenced(r, args[1]) then
    return {'fence'}
  end
  local t = task.load(r, id)
  if not t or t.state ~= 'waiting' or t.rev ~= tonumber(args[4]) or math.floor(t.steps / bit) % 2 == 1 then
    return task.answer(r, 'stale', id)
  end
  t.steps = t.steps + bit
  task.relax(t, args[6])
  task.add_queues(t, args[7])
  t.priority = math.max(t.priority, math.min(10, t.priority + tonumber(args[8])))
  local queue = t.queue
  if args[9] ~= '' then
    task.into(r, t, now, args[9])
  end
  task.change(r, t, now, {to = 'waiting', reason = args[11]})
  if args[10] == '1' then
    task.log(r, 'type', 'notice', 'agent', '', 'queue', queue, 'id', t.id, 'n', t.n, 'reason', args[11], 'task', task.json(t))
  end
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

-- He let too many offers pass, or has drained.
tl.fn('route_rest', function(keys, args)
  local r, agent = keys[1], args[3]
  if not task.fenced(r, args[1]) then
    return {'fence'}
  end
  local p = task.presence(r, agent)
  if p.state ~= (args[5] == 'away' and 'available' or 'draining') then
    return {'stale'}
  end
  task.set_presence(r, agent, p, tonumber(args[2]), args[5], args[4])
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
  if redis.call('HLEN', r .. ':turns') > task.TURNS_MAX then -- of agents and queues that are no longer
    redis.call('DEL', r .. ':turns')
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
