-- task_figures.lua - how long people waited and how busy the staff was, by queue and hour.
--
--   {r}:f:Q:HOUR  hash, gone after a day: a, w  taken by an agent, of these within the first response's deadline (those that
--                 had one)   b, x  ended without an agent, likewise   hK  taken after about 2^(K/2) seconds
--                 l  ended without an agent, with a deadline or not   o, v  ms of agents with work, and without
--   {r}:sampled  when the staff was last looked at (Redis TIME)
--
--   tl2_figures_sample  fence (queue busy available)... -> {code}                                   task_agent.c
--   tl2_queue_hours     queue -> {{hour in ms, figures…} …} of the last day, those with something in them   task_agent.c

local figures = {HOURS = 24, HOUR_MS = 3600000, BUCKETS = 42, SHARES = {0.5, 0.95, 0.99}, SAMPLE_MAX_MS = 15000}

function figures.key(r, queue, hour)
  return r .. ':f:' .. queue .. ':' .. task.number(hour)
end

function figures.bucket(ms)
  local k = math.floor(2 * math.log(math.max(0, ms) / 1000 + 1) / math.log(2))
  return math.min(k, figures.BUCKETS - 1)
end

-- An agent took it, or it ended without one.
function task.figure(r, t, now, taken)
  local c, key = task.clock(t), figures.key(r, t.queue, math.floor(tl.now() / figures.HOUR_MS))
  local due = c.dues[1] or t.due
  if taken then
    redis.call('HINCRBY', key, 'h' .. figures.bucket(now - t.created), 1)
  else
    redis.call('HINCRBY', key, 'l', 1)
  end
  if due > 0 or c.replied > 0 then
    redis.call('HINCRBY', key, taken and 'a' or 'b', 1)
    redis.call('HINCRBY', key, taken and 'w' or 'x', (c.replied > 0 or now <= due) and 1 or 0)
  end
  redis.call('PEXPIRE', key, (figures.HOURS + 1) * figures.HOUR_MS)
end

-- The whole second by which a share of them had been taken.
function figures.percentile(sum, n, share)
  local seen = 0
  for k = 0, figures.BUCKETS - 1 do
    seen = seen + (sum['h' .. k] or 0)
    if n > 0 and seen >= share * n then
      return math.ceil(2 ^ ((k + 1) / 2) - 1)
    end
  end
  return 0
end

-- Each agent counts for the time since the last look; a daemon that stood still longer than SAMPLE_MAX_MS knows nothing of it.
tl.fn('figures_sample', function(keys, args)
  local r, now = keys[1], tl.now()
  if not task.fenced(r, args[1]) then
    return {'fence'}
  end
  local last = tonumber(redis.call('GET', r .. ':sampled') or nil) or now
  local ms = math.max(0, math.min(now - last, figures.SAMPLE_MAX_MS))
  redis.call('SET', r .. ':sampled', task.number(now), 'PX', figures.HOUR_MS)
  for i = 2, #args - 2, 3 do
    local key, busy, free = figures.key(r, args[i], math.floor(now / figures.HOUR_MS)), tonumber(args[i + 1]), tonumber(args[i + 2])
    if ms > 0 and busy + free > 0 then
      redis.call('HINCRBY', key, 'o', task.number(busy * ms))
      redis.call('HINCRBY', key, 'v', task.number(free * ms))
      redis.call('PEXPIRE', key, (figures.HOURS + 1) * figures.HOUR_MS)
    end
  end
  return {'ok'}
end)

-- Of hours: taken, within, without an agent, within (of those with a deadline), then the percentiles of waiting in
-- seconds, then all that were taken, all that ended without an agent, and ms of agents with work and without.
function figures.of(r, queue, first, last)
  local sum, n = {}, 0
  for h = first, last do
    local all = redis.call('HGETALL', figures.key(r, queue, h))
    for i = 1, #all, 2 do
      sum[all[i]] = (sum[all[i]] or 0) + tonumber(all[i + 1])
      n = n + (all[i]:sub(1, 1) == 'h' and tonumber(all[i + 1]) or 0)
    end
  end
  local out = {sum.a or 0, sum.w or 0, sum.b or 0, sum.x or 0}
  for i, share in ipairs(figures.SHARES) do
    out[4 + i] = figures.percentile(sum, n, share)
  end
  for _, v in ipairs({n, math.max(sum.l or 0, sum.b or 0), task.number(sum.o or 0), task.number(sum.v or 0)}) do
    out[#out + 1] = v
  end
  return out, next(sum) ~= nil
end

-- Of the last day.
function task.figures(r, queue, now)
  local hour = math.floor(now / figures.HOUR_MS)
  return (figures.of(r, queue, hour - figures.HOURS + 1, hour))
end

tl.ro('queue_hours', function(keys, args)
  local out, now = {}, math.floor(tl.now() / figures.HOUR_MS)
  for hour = now - figures.HOURS + 1, now do
    local one, any = figures.of(keys[1], args[1], hour, hour)
    if any then
      table.insert(one, 1, task.number(hour * figures.HOUR_MS))
      out[#out + 1] = one
    end
  end
  return out
end)
