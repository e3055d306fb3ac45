-- task_stats.lua - an agent's figures of the day, counted as things happen.
--
-- {r}:st:DAY:A  hash of agent A, DAY counts days (UTC) since 1970; kept STATS_DAYS:
--               accepted completed missed rejected, handled (ms) and handled_n of what was completed,
--               available away offline (ms), but not the presence that goes on: it is in {r}:p
-- {r}:got       hash, task -> when its agent accepted it
--
--   tl2_statistics  now agent -> {state, since, field, value, …}                                statistics.c

task.DAY_MS, task.STATS_DAYS = 86400000, 8

function task.stat(r, agent, at, field, by)
  local key = r .. ':st:' .. task.number(math.floor(at / task.DAY_MS)) .. ':' .. agent
  redis.call('HINCRBY', key, field, task.number(by))
  redis.call('PEXPIRE', key, task.STATS_DAYS * task.DAY_MS)
end

-- From acceptance to the end of work and wrap-up.
function task.handled(r, t, now, agent)
  local got = tonumber(redis.call('HGET', r .. ':got', t.id) or nil)
  redis.call('HDEL', r .. ':got', t.id)
  if got and t.state == 'done' then
    task.stat(r, agent, now, 'handled', math.max(0, now - got))
    task.stat(r, agent, now, 'handled_n', 1)
  end
end

-- A task has moved from that state; agent: who had it.
function task.count_move(r, t, now, from, agent, why)
  if from == t.state or agent == '' then
    return
  elseif from == 'offered' and t.state == 'accepted' then
    task.stat(r, agent, now, 'accepted', 1)
    redis.call('HSET', r .. ':got', t.id, task.number(now))
  elseif from == 'offered' and (why == 'expired' or why == 'rejected') then
    task.stat(r, agent, now, why == 'expired' and 'missed' or 'rejected', 1)
  elseif from == 'accepted' and (t.state == 'wrapup' or t.state == 'done') then
    task.stat(r, agent, now, 'completed', 1)
  end
  if (from == 'accepted' or from == 'wrapup') and t.state ~= 'wrapup' then
    task.handled(r, t, now, agent)
  end
end

-- A presence has ended: its time goes to the days that it lasted, as far as they are kept.
function task.count_presence(r, agent, p, now)
  local from = math.max(p.since, now - (task.STATS_DAYS - 1) * task.DAY_MS)
  if p.since == 0 or p.state == '' then
    return
  end
  while from < now do
    local till = math.min(now, (math.floor(from / task.DAY_MS) + 1) * task.DAY_MS)
    task.stat(r, agent, from, p.state == 'draining' and 'away' or p.state, till - from)
    from = till
  end
end

tl.ro('statistics', function(keys, args)
  local r, now, agent = keys[1], tonumber(args[1]), args[2]
  local p = task.presence(r, agent)
  local out = redis.call('HGETALL', r .. ':st:' .. task.number(math.floor(now / task.DAY_MS)) .. ':' .. agent)
  table.insert(out, 1, task.number(p.since))
  table.insert(out, 1, p.state)
  return out
end)
