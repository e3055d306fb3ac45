-- task_notice.lua - what agents without a stream are told by mail or webhook.
--
-- Made out of {r}:log, in the same call that moves the place up to which it was read: so each entry makes its notices
-- once, whichever daemon looks, and none is lost with a daemon. A notice lives until somebody says it is done; whoever
-- takes one has it for CLAIM_MS unless he keeps it, then it is another's.
--
--   {r}:noticed  log id, all before has been looked at          {r}:notice    hash, key -> the notice
--   {r}:notices  zset, key by when it is due (Redis TIME)       {r}:notice_n  hash, agent -> how many
--   key: 'WAY ENTRY-ID'
--
--   tl2_notice_scan   count agent ways... -> {more '1' or '0', made, dropped}; ways: ' mail webhook '     notice.c
--   tl2_notice_take   max -> {{key, agent, way, type, task id, n, tries, state, json} ...}               notice.c
--       state: '' due; over: its offer has ended; json: of the event, for mail of the task as it is
--   tl2_notice_later  in_ms key... -> 1     tl1_notice_done  key... -> 1                                 notice.c

task.NOTICE_CLAIM_MS, task.NOTICES_MAX, task.NOTICE_LATE_MS = 20000, 1000, 60000
task.NOTICE_WAYS = {mail = {offer = true}, webhook = {offer = true, revoke = true, task = true}}

-- As the stream shows it.
function task.notice_json(e)
  if e.type == 'offer' then
    return '{"task":' .. e.task .. ',"offer":' .. e.n .. ',"expires_at":' .. task.time(tonumber(e['until'])) .. '}'
  elseif e.type == 'revoke' then
    return '{"task":' .. task.text(e.id) .. ',"offer":' .. e.n .. ',"reason":' .. task.text(e.reason) .. '}'
  end
  return e.task
end

-- false: the agent has too many already.
function task.notice_make(r, id, e, way)
  local key = way .. ' ' .. id
  if redis.call('HINCRBY', r .. ':notice_n', e.agent, 1) > task.NOTICES_MAX then
    redis.call('HINCRBY', r .. ':notice_n', e.agent, -1)
    return false
  end
  redis.call('HSET', r .. ':notice', key, cmsgpack.pack({agent = e.agent, way = way, type = e.type, id = e.id,
    n = tonumber(e.n) or 0, tries = 0, json = way == 'webhook' and task.notice_json(e) or ''}))
  redis.call('ZADD', r .. ':notices', tl.now(), key)
  return true
end

function task.notice_drop(r, key, agent)
  redis.call('HDEL', r .. ':notice', key)
  redis.call('ZREM', r .. ':notices', key)
  if redis.call('HINCRBY', r .. ':notice_n', agent, -1) <= 0 then
    redis.call('HDEL', r .. ':notice_n', agent)
  end
end

-- What tells of an erased person's task goes with it (task_forget).
function task.notice_forget(r, id)
  local all = redis.call('HGETALL', r .. ':notice')
  for i = 1, #all, 2 do
    local v = cmsgpack.unpack(all[i + 1])
    if v.id == id then
      task.notice_drop(r, all[i], v.agent)
    end
  end
end

function task.notice_entry(r, entry, told, out)
  local e = {}
  for i = 1, #entry[2], 2 do
    e[entry[2][i]] = entry[2][i + 1]
  end
  local ways = e.agent and told[e.agent]
  if not ways or redis.call('HEXISTS', r .. ':sn', e.agent) == 1 then
    return
  end
  for way, types in pairs(task.NOTICE_WAYS) do
    if types[e.type] and ways:find(' ' .. way .. ' ', 1, true) then
      local k = task.notice_make(r, entry[1], e, way) and 2 or 3
      out[k] = out[k] + 1
    end
  end
end

tl.fn('notice_scan', function(keys, args)
  local r, count, told, out = keys[1], tonumber(args[1]), {}, {'0', 0, 0}
  for i = 2, #args, 2 do
    told[args[i]] = args[i + 1]
  end
  local at = redis.call('GET', r .. ':noticed') or task.number(tl.now() - task.NOTICE_LATE_MS) .. '-0'
  local found = redis.call('XRANGE', r .. ':log', '(' .. at, '+', 'COUNT', count)
  for _, entry in ipairs(found) do
    task.notice_entry(r, entry, told, out)
    at = entry[1]
  end
  redis.call('SET', r .. ':noticed', at)
  out[1] = #found == count and '1' or '0'
  return out
end)

function task.notice_over(t, v)
  return v.type == 'offer' and not (t and t.state == 'offered' and t.n == v.n and task.holds(t, v.agent))
end

tl.fn('notice_take', function(keys, args)
  local r, now, out = keys[1], tl.now(), {}
  for _, key in ipairs(redis.call('ZRANGE', r .. ':notices', '-inf', now, 'BYSCORE', 'LIMIT', 0, tonumber(args[1]))) do
    local s = redis.call('HGET', r .. ':notice', key)
    local v = s and cmsgpack.unpack(s)
    local t = v and task.load(r, v.id)
    if not v then
      redis.call('ZREM', r .. ':notices', key)
    else
      local over = task.notice_over(t, v)
      if over then
        task.notice_drop(r, key, v.agent)
      else
        v.tries = v.tries + 1
        redis.call('HSET', r .. ':notice', key, cmsgpack.pack(v))
        redis.call('ZADD', r .. ':notices', now + task.NOTICE_CLAIM_MS, key)
      end
      out[#out + 1] = {key, v.agent, v.way, v.type, v.id, v.n, v.tries, over and 'over' or '',
        v.way == 'mail' and not over and task.json(t) or v.json}
    end
  end
  return out
end)

tl.fn('notice_later', function(keys, args)
  local till = tl.now() + tonumber(args[1])
  for i = 2, #args do
    redis.call('ZADD', keys[1] .. ':notices', 'XX', till, args[i])
  end
  return 1
end)

tl.oom('notice_done', function(keys, args)
  for _, key in ipairs(args) do
    local s = redis.call('HGET', keys[1] .. ':notice', key)
    if s then
      task.notice_drop(keys[1], key, cmsgpack.unpack(s).agent)
    end
  end
  return 1
end)
