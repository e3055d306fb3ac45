-- task_view.lua - reading {r}; nothing here writes.
--
--   tl2_task_get     id -> {json, rev} or {}                                                      task_read.c
--   tl2_task_list    phase score id scan limit queue state agent queues -> {phase, score, id, json...}   task_read.c
--       phase 'o' open ones by age, 'd' those that ended; '' when all were seen; queues: lines, '' all
--   tl2_task_scan    cursor contact -> {cursor, id...}: open and ended ones of a contact          task_contact.c
--   tl2_route_tasks  cursor -> {cursor, own...}                                                   task_route.c
--   tl2_route_start  -> {log id, agent, state, reason, since, ended, missed, lost, …}             task_route.c
--   tl2_agents       agent... -> {{state, reason, since, lost, {id, 'WEIGHT CHANNEL' …}} …}       task_agent.c
--   tl2_queues       queue... -> {{waiting, offered, accepted, oldest created, paused at, by, reason} …}   task_agent.c
--   tl2_desk         agent -> {log id, json...}: what an agent's stream begins with               task_agent.c
--   tl2_log_after    id count bytes -> {code ok|old|many, {entry id, {field, value…}} …}          task_log.c

tl.ro('task_get', function(keys, args)
  local t = task.load(keys[1], args[1]) or task.ended(keys[1], args[1])
  return t and {task.json(t), t.rev} or {}
end)

function task.fits(t, args)
  return (args[6] == '' or t.queue == args[6]) and (args[7] == '' or t.state == args[7]) and
    (args[8] == '' or t.agent == args[8]) and
    (args[9] == '' or task.line_of(args[9], t.queue) or args[8] ~= '' and t.agent == args[8])
end

-- The index that holds the fewest that do not fit.
function task.index_for(r, args)
  if args[1] == 'd' then
    return r .. ':ended'
  elseif args[6] ~= '' and args[7] == 'waiting' then
    return r .. ':w:' .. args[6]
  end
  return r .. ':o'
end

-- args 2 and 3: where to go on after.
tl.ro('task_list', function(keys, args)
  local r, phase, score, after = keys[1], args[1], args[2], args[3]
  local scan, limit, offset, seen, out = tonumber(args[4]), tonumber(args[5]), 0, 0, {phase, score, after}
  local key, ended = task.index_for(r, args), phase == 'd'
  while true do
    local chunk = redis.call('ZRANGE', key, score, '+inf', 'BYSCORE', 'LIMIT', offset, 200, 'WITHSCORES')
    for i = 1, #chunk, 2 do
      if chunk[i + 1] ~= score or chunk[i] > after then
        local t = ended and task.ended(r, chunk[i]) or not ended and task.load(r, chunk[i])
        seen, out[2], out[3] = seen + 1, chunk[i + 1], chunk[i]
        if t and task.fits(t, args) then
          out[#out + 1] = task.json(t)
        end
        if #out - 3 >= limit or seen >= scan then
          return out
        end
      end
    end
    if #chunk < 400 then
      break
    end
    offset = offset + 200
  end
  out[1], out[2], out[3] = ended and '' or 'd', '-inf', ''
  return out
end)

-- HSCAN over the open ones, then over the ended: the cursor says in which.
tl.ro('task_scan', function(keys, args)
  local where, cursor = args[1]:sub(1, 1), args[1]:sub(2)
  local found = redis.call('HSCAN', keys[1] .. (where == 'd' and ':done' or ':t'), cursor, 'COUNT', 200)
  local out = {found[1] == '0' and (where == 'd' and '' or 'd0') or where .. found[1]}
  for i = 1, #found[2], 2 do
    local t = cmsgpack.unpack(found[2][i + 1])
    if t.contact == args[2] then
      out[#out + 1] = t.id
    end
  end
  return out
end)

-- ---- for the router ----

tl.ro('route_tasks', function(keys, args)
  local found = redis.call('HSCAN', keys[1] .. ':t', args[1], 'COUNT', 500)
  local out = {found[1]}
  for i = 1, #found[2], 2 do
    out[#out + 1] = task.own(task.whole(cmsgpack.unpack(found[2][i + 1])))
  end
  return out
end)

function task.log_end(r)
  local last = redis.call('XREVRANGE', r .. ':log', '+', '-', 'COUNT', 1)
  return last[1] and last[1][1] or '0-0'
end

tl.ro('route_start', function(keys)
  local r = keys[1]
  local out, all = {task.log_end(r)}, redis.call('HGETALL', r .. ':p')
  for i = 1, #all, 2 do
    local p = cmsgpack.unpack(all[i + 1])
    for _, v in ipairs({all[i], p.state, p.reason, task.number(p.since), task.number(p.ended or 0),
      task.number(p.missed), task.number(p.lost)}) do
      out[#out + 1] = v
    end
  end
  return out
end)

-- ---- for people ----

tl.ro('agents', function(keys, args)
  local r, out = keys[1], {}
  for i, agent in ipairs(args) do
    local p = task.presence(r, agent)
    out[i] = {p.state, p.reason, task.number(p.since), task.number(p.lost), redis.call('HGETALL', r .. ':a:' .. agent)}
  end
  return out
end)

tl.ro('queues', function(keys, args)
  local r, out = keys[1], {}
  for i, queue in ipairs(args) do
    local n = redis.call('HMGET', r .. ':n', queue .. ' offered', queue .. ' accepted')
    local oldest = redis.call('ZRANGE', r .. ':w:' .. queue, 0, 0, 'WITHSCORES')
    local paused = task.paused(r, queue) or {at = 0, by = '', reason = ''}
    out[i] = {redis.call('ZCARD', r .. ':w:' .. queue), tonumber(n[1]) or 0, tonumber(n[2]) or 0, oldest[2] or '0',
      task.number(paused.at), paused.by, paused.reason}
    for _, n in ipairs(task.figures(r, queue, tl.now())) do
      table.insert(out[i], n)
    end
  end
  return out
end)

tl.ro('desk', function(keys, args)
  local r = keys[1]
  local out = {task.log_end(r)}
  for _, id in ipairs(redis.call('HKEYS', r .. ':a:' .. args[1])) do
    local t = task.load(r, id)
    out[#out + 1] = t and task.json(t) or nil
  end
  return out
end)

-- Older than the first entry, or from a log that is not this one: 'old'. More than can be sent: 'many'.
tl.ro('log_after', function(keys, args)
  local key, count, bytes = keys[1] .. ':log', tonumber(args[2]), tonumber(args[3])
  local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
  if not first or #redis.call('XRANGE', key, '-', args[1], 'COUNT', 1) == 0 or
    #redis.call('XREVRANGE', key, '+', args[1], 'COUNT', 1) == 0 then
    return {'old'}
  end
  local found, out = redis.call('XRANGE', key, '(' .. args[1], '+', 'COUNT', count + 1), {'ok'}
  if #found > count then
    return {'many'}
  end
  for i, entry in ipairs(found) do
    for k = 2, #entry[2], 2 do
      bytes = bytes - #entry[2][k]
    end
    out[i + 1] = entry
  end
  return bytes < 0 and {'many'} or out
end)
