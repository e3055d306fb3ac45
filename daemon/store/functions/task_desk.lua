-- task_desk.lua - what supervisors do, and what is written down of it.
--
-- {r}:paused  hash, queue -> {at, by, reason}: queues of which nothing is offered
-- {r}:audit   stream, the newest AUDIT_MAX: now who what task agent queues (lines) why
--
--   tl2_queue_pause    now queue who paused('1' or '0') reason -> 1 changed, 0 it was so      desk.c
--   tl2_queues_paused  -> {queue...}                                                        desk.c
--   tl2_presence_force now agent who state reason queues -> {state, reason, since}          desk.c
--   tl2_audit          queues before scan limit -> {before, {id, {field, value…}} …}        desk.c
--       queues: lines, '' all. before: an entry's id, '' from the newest; answered '' where all were seen

task.AUDIT_MAX = 100000

-- e: who, what, task, agent, queues (a list), why
function task.audit(r, now, e)
  redis.call('XADD', r .. ':audit', 'MAXLEN', '~', task.AUDIT_MAX, '*', 'now', task.number(now), 'who', e.who, 'what',
    e.what, 'task', e.task or '', 'agent', e.agent or '', 'queues', e.queues, 'why', e.why or '')
end

function task.paused(r, queue)
  local s = redis.call('HGET', r .. ':paused', queue)
  return s and cmsgpack.unpack(s)
end

tl.fn('queue_pause', function(keys, args)
  local r, now, queue, on, reason = keys[1], tonumber(args[1]), args[2], args[4] == '1', args[5]
  local was = task.paused(r, queue)
  if on == (was ~= nil and was ~= false) and (not on or was.reason == reason) then
    return 0
  end
  if on then
    redis.call('HSET', r .. ':paused', queue, cmsgpack.pack({at = was and was.at or now, by = args[3], reason = reason}))
  else
    redis.call('HDEL', r .. ':paused', queue)
  end
  task.log(r, 'type', 'queue', 'agent', '', 'queue', queue, 'reason', reason, 'state', on and 'paused' or 'open')
  task.audit(r, now, {who = args[3], what = on and 'queue.pause' or 'queue.resume', queues = queue .. '\n', why = reason})
  return 1
end)

tl.ro('queues_paused', function(keys)
  return redis.call('HKEYS', keys[1] .. ':paused')
end)

-- Not his own word: he is no more there than before, and his wrap-ups go on.
tl.fn('presence_force', function(keys, args)
  local r, now, agent = keys[1], tonumber(args[1]), args[2]
  local p = task.presence(r, agent)
  task.set_presence(r, agent, p, now, args[4], args[5])
  task.audit(r, now, {who = args[3], what = 'presence.' .. args[4], agent = agent, queues = args[6], why = args[5]})
  return {p.state, p.reason, task.number(p.since)}
end)

function task.audit_fits(fields, queues)
  for i = 1, #fields, 2 do
    if fields[i] == 'queues' then
      for queue in fields[i + 1]:gmatch('([^\n]+)\n') do
        if task.line_of(queues, queue) then
          return true
        end
      end
    end
  end
  return false
end

tl.ro('audit', function(keys, args)
  local queues, from, scan, limit = args[1], args[2], tonumber(args[3]), tonumber(args[4])
  local found = redis.call('XREVRANGE', keys[1] .. ':audit', from == '' and '+' or '(' .. from, '-', 'COUNT', scan)
  local out = {#found == scan and found[#found][1] or ''}
  for _, entry in ipairs(found) do
    if queues == '' or task.audit_fits(entry[2], queues) then
      out[#out + 1] = entry
      if #out > limit then
        out[1] = entry[1]
        break
      end
    end
  end
  return out
end)
