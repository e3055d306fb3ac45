-- task_figures.lua - how long people waited, by queue and hour.
--
--   {r}:f:Q:HOUR  hash, gone after a day: a, w  taken by an agent, of these within the first response's deadline (those that
--                 had one)   b, x  ended without an agent, likewise   hK  taken after about 2^(K/2) seconds

local figures = {HOURS = 24, HOUR_MS = 3600000, BUCKETS = 42, SHARES = {0.5, 0.95, 0.99}}

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

-- Of the last day: taken, within, without an agent, within, then the percentiles of waiting in seconds.
function task.figures(r, queue, now)
  local sum, n, hour = {}, 0, math.floor(now / figures.HOUR_MS)
  for h = hour - figures.HOURS + 1, hour do
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
  return out
end
