-- task_clock.lua - what the clocks of service levels are counted from: facts of a task, no deadline but those told.
--
-- t.clock, absent in tasks of before: asked (the oldest message that nobody answered), replied, last (first and last reply
-- of an agent), taken (first acceptance), from (pending since), pauses (list of {from, to}), told (bits: 2c a warning, 2c+1
-- a breach of clock c), dues (as last computed by the router's holder, shown to people). Times in ms, 0: none.
-- Clocks: 0 first_response 1 next_response 2 update 3 resolve 4 acknowledge.
--
--   tl2_task_replied  now conv at -> 1, 0           an agent's reply has gone onto the timeline          task_clock.c
--   tl2_task_rests    now conv at on -> 1, 0        the conversation is pending, or no longer             task_clock.c
--   tl2_route_dues    fence now id due...           -> {code, own, json}                                  task_clock.c
--   tl2_route_told    fence now id clock kind reason   kind 0 a warning, 1 a breach -> {code, own, json}  task_clock.c

task.CLOCKS = {'first_response', 'next_response', 'update', 'resolve', 'acknowledge'}
task.PAUSES_MAX = 16

function task.clock(t)
  t.clock = t.clock or {asked = 0, replied = 0, last = 0, taken = 0, from = 0, pauses = {}, told = 0, dues = {}}
  return t.clock
end

function task.is_told(c, b)
  return math.floor(c.told / 2 ^ b) % 2 == 1
end

-- A clock that begins anew is told of anew.
function task.untell(c, clock)
  for b = 2 * clock, 2 * clock + 1 do
    if task.is_told(c, b) then
      c.told = c.told - 2 ^ b
    end
  end
end

function task.numbers(list)
  local out = {}
  for i, n in ipairs(list) do
    out[i] = type(n) == 'table' and '[' .. task.numbers(n) .. ']' or task.number(n)
  end
  return table.concat(out, ',')
end

-- Members of task.own.
function task.clock_own(t)
  local c = task.clock(t)
  return table.concat({',"asked":', task.number(c.asked), ',"replied":', task.number(c.replied), ',"last_reply":',
    task.number(c.last), ',"taken":', task.number(c.taken), ',"paused_from":', task.number(c.from), ',"pauses":[',
    task.numbers(c.pauses), '],"told":', task.number(c.told), ',"dues":[', task.numbers(c.dues), ']'})
end

function task.clock_read(t, o)
  local c = task.clock(t)
  c.asked, c.replied, c.last = o.asked or 0, o.replied or 0, o.last_reply or 0
  c.taken, c.from, c.told = o.taken or 0, o.paused_from or 0, o.told or 0
  c.pauses, c.dues = o.pauses or {}, o.dues or {}
end

-- The contract's `due`.
function task.clock_due(t)
  local dues, out = task.clock(t).dues, {}
  if #dues == 0 then
    dues = {t.due}
  end
  for i, due in ipairs(dues) do
    out[#out + 1] = due > 0 and '"' .. task.CLOCKS[i] .. '":' .. task.time(due) or nil
  end
  return '{' .. table.concat(out, ',') .. '}'
end

-- ---- what comes about ----

-- Of those that nobody answered the oldest stands.
function task.clock_asked(t, at)
  local c = task.clock(t)
  if c.asked == 0 then
    c.asked = at
    task.untell(c, 1)
  end
  task.clock_goes_on(t, at)
end

function task.clock_change(r, t, now, reason)
  local c = task.clock(t)
  if c.taken > 0 then
    return
  end
  if t.state == 'accepted' then
    c.taken = now
    task.figure(r, t, now, true)
  elseif (t.state == 'done' or t.state == 'canceled') and reason ~= 'contact was erased' then
    task.figure(r, t, now, false)
  end
end

function task.clock_goes_on(t, at)
  local c = task.clock(t)
  if c.from == 0 then
    return false
  end
  c.pauses[#c.pauses + 1] = {c.from, math.max(at, c.from)}
  c.from = 0
  if #c.pauses > task.PAUSES_MAX then -- the first two become one, as long as both
    local a = table.remove(c.pauses, 1)
    c.pauses[1][1] = c.pauses[1][1] - (a[2] - a[1])
  end
  return true
end

function task.same(r, t, now, reason, tell)
  task.change(r, t, now, {to = t.state, till = t.till, reason = reason, tell = tell})
end

function task.of(r, conv)
  local id = redis.call('HGET', r .. ':v', conv)
  return id and task.load(r, id)
end

-- Accepted work of which nothing was done comes back by its time: now something was.
function task.touch(t)
  local asleep = t.state == 'accepted' and t.till > 0
  t.till = asleep and 0 or t.till
  return asleep
end

tl.fn('task_touched', function(keys, args)
  local r, t = keys[1], task.of(keys[1], args[2])
  if not t or not task.touch(t) then
    return 0
  end
  task.same(r, t, tonumber(args[1]), 'begun')
  return 1
end)

tl.fn('task_replied', function(keys, args)
  local r, now, at = keys[1], tonumber(args[1]), tonumber(args[3])
  local t = task.of(r, args[2])
  local c = t and task.clock(t)
  if not c or at <= c.last or at < t.created then
    return 0
  end
  c.replied, c.last = c.replied > 0 and c.replied or at, at
  if c.asked <= at then
    c.asked = 0
    task.untell(c, 1)
  end
  task.untell(c, 2)
  task.touch(t)
  task.same(r, t, now, 'answered')
  return 1
end)

tl.fn('task_rests', function(keys, args)
  local r, now, at = keys[1], tonumber(args[1]), tonumber(args[3])
  local t = task.of(r, args[2])
  local c = t and task.clock(t)
  if not c or at < t.created then
    return 0
  end
  if args[4] == '1' then
    local last = c.pauses[#c.pauses]
    if c.from > 0 or last and at < last[2] then -- told before, in whatever order it comes again
      return 0
    end
    c.from = at
    task.same(r, t, now, 'the conversation is pending')
    return 1
  end
  if at < c.from or not task.clock_goes_on(t, at) then
    return 0
  end
  task.same(r, t, now, 'the conversation is open again')
  return 1
end)

-- ---- what the holder of the lease computes ----

-- Shown to whoever sees the task; not a change of it, so the revision stays.
tl.fn('route_dues', function(keys, args)
  local r, id = keys[1], args[3]
  if not task.fenced(r, args[1]) then
    return {'fence'}
  end
  local t = task.load(r, id)
  if not t then
    return {'stale', '', ''}
  end
  local dues = {}
  for i = 1, #task.CLOCKS do
    dues[i] = tonumber(args[3 + i])
  end
  task.clock(t).dues = dues
  redis.call('HSET', r .. ':t', t.id, cmsgpack.pack(t))
  task.tell(r, t, 'task', t.agent, 'due')
  return {'ok', task.own(t), task.json(t)}
end)

tl.fn('route_told', function(keys, args)
  local r, id, clock, kind = keys[1], args[3], tonumber(args[4]), tonumber(args[5])
  if not task.fenced(r, args[1]) then
    return {'fence'}
  end
  local t = task.load(r, id)
  local c = t and task.clock(t)
  if not c or task.is_told(c, 2 * clock + kind) then
    return task.answer(r, 'stale', id)
  end
  for b = 2 * clock, 2 * clock + kind do -- after a breach no warning
    c.told = task.is_told(c, b) and c.told or c.told + 2 ^ b
  end
  task.same(r, t, tonumber(args[2]), args[6])
  return {'ok', task.own(t), task.json(t)}
end)
