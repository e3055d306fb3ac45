-- task.lua - open tasks in the slot {r}: what they are, how they change, what is told of it.
--
-- Every function takes one key, `{r}`, and builds the others from it, for which agent's or queue's they are is known
-- only once the task has been read:
--   {r}:t     hash, id -> the task (task.pack)      {r}:o     zset, created_ms -> id: all open ones
--   {r}:w:Q   zset, created_ms -> id: those that wait in queue Q       {r}:n  hash, 'Q STATE' -> how many, but waiting
--   {r}:a:A   hash, id -> 'WEIGHT CHANNEL': what agent A holds          {r}:v  hash, conversation -> its open task
--   {r}:done  hash, id -> the task as it ended      {r}:ended zset, when -> id      {r}:dv hash, conversation -> last one
--   {r}:asked:N hash, touchpoint -> task that took it in; N counts windows of a day, two are kept
--   {r}:p     hash, agent -> presence (task_move.lua)      {r}:lease, {r}:s, {r}:sn (task_route.lua)
--   {r}:turns hash, 'QUEUE AGENT' -> whose turn it was by round robin or weight, as the router says
--   {r}:log   stream: type offer|revoke|task|presence|stream|queue|notice, agent, and by type
--             queue id n until reason task (as the contract shows it) own (what the router needs)
--             reason: of a revoke, as agents are told; 'wrapup' of a task whose wrap-up ended, which nobody records yet
--
-- A task that is offered to several has the first of them as its agent, the others in t.more; all hold its weight, under
-- one number of the offer and one end, and the first to accept has it.
--
-- t.entered: into its queue; t.steps: bits of the queue's steps that were taken; t.added: queues that steps have added.
--
-- States: waiting offered accepted wrapup snoozed; done and canceled leave {r}:t. Only task.change moves a task.
-- `now` is the caller's wall clock in ms, for what people see; leases know Redis TIME alone.
--
--   tl2_task_want    now id conv contact touchpoint queue channel subject priority skills tags due previous
--                    wish_agent seen_at created '' repeat wish deputy -> {id, state, created '1' or '0', own}   task.c
--       wish: '' and 'last' had the contact last, 'key' and 'key-hard' manages the account
--   tl2_task_put     now json -> {code new|known|older, state}                                   task.c
--   tl2_task_hand    as want, reason -> {code ok|open, json, own, rev}                           task_move.c
--   tl2_task_forget  now id -> 1, 0      tl2_task_moved  now id contact -> 1, 0                  task_contact.c

local task = {}

task.LOG_MAX, task.HISTORY_MAX, task.TOOK_MAX, task.WINDOW_MS = 20000, 100, 50, 86400000
task.HELD = {offered = true, accepted = true, wrapup = true}

-- Fields that tasks of before do not have.
function task.whole(t)
  t.more, t.added, t.steps, t.entered = t.more or {}, t.added or {}, t.steps or 0, t.entered or t.created
  t.deputy = t.deputy or ''
  return t
end

-- Who has it, or is offered it.
function task.holders(t)
  local out = task.HELD[t.state] and {t.agent} or {}
  for _, agent in ipairs(t.state == 'offered' and t.more or {}) do
    out[#out + 1] = agent
  end
  return out
end

function task.holds(t, agent)
  for _, a in ipairs(task.holders(t)) do
    if a == agent then
      return true
    end
  end
  return false
end

-- ---- text ----

function task.text(s)
  if s == nil or s == '' then
    return 'null'
  end
  return (cjson.encode(s):gsub('\\/', '/'))
end

function task.list(a)
  return (type(a) ~= 'table' or #a == 0) and '[]' or (cjson.encode(a):gsub('\\/', '/'))
end

-- Days since 1970 to the civil date, proleptic Gregorian.
function task.time(ms)
  if not ms or ms == 0 then
    return 'null'
  end
  local s = math.floor(ms / 1000)
  local z = math.floor(s / 86400) + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ"', year, month, doy - math.floor((153 * mp + 2) / 5) + 1,
    math.floor(s / 3600) % 24, math.floor(s / 60) % 60, s % 60, ms % 1000)
end

function task.number(n)
  return string.format('%.0f', n)
end

-- As the contract shows it.
function task.json(t)
  local several = t.state == 'offered' and #t.more > 0
  local offer = t.state == 'offered' and '{"n":' .. task.number(t.n) .. ',"expires_at":' .. task.time(t.till) ..
    (several and ',"agents":' .. task.list(task.holders(t)) or '') .. '}'
  return table.concat({'{"id":"', t.id, '","rev":', task.number(t.rev), ',"conversation":', task.text(t.conv),
    ',"contact":', task.text(t.contact), ',"touchpoint":', task.text(t.tp), ',"previous":', task.text(t.prev),
    ',"queue":', task.text(t.queue), ',"channel":', task.text(t.channel), ',"subject":', task.text(t.subject),
    ',"priority":', task.number(t.priority), ',"skills":', t.skills, ',"tags":', t.tags, ',"state":"', t.state,
    '","agent":', task.text(not several and t.agent or ''), ',"offer":', offer or 'null', ',"created_at":', task.time(t.created),
    ',"due":', task.clock_due(t),
    ',"snoozed_until":', t.state == 'snoozed' and task.time(t.till) or 'null', ',"disposition":', task.text(t.disp),
    ',"note":', task.text(t.note), ',"repeat":', task.number(t.again or 0), ',"history":[',
    table.concat(t.history, ','), ']}'})
end

-- What the router needs, and what the contract does not show: one line for both.
function task.own(t)
  local x, last = {}, {}
  for agent, till in pairs(t.x) do
    x[#x + 1] = task.text(agent) .. ':' .. task.number(till)
  end
  for agent, move in pairs(t.last) do
    last[#last + 1] = task.text(agent) .. ':' .. task.text(move)
  end
  return table.concat({'{"id":"', t.id, '","rev":', task.number(t.rev), ',"state":"', t.state, '","queue":',
    task.text(t.queue), ',"channel":', task.text(t.channel), ',"touchpoint":', task.text(t.tp), ',"priority":',
    task.number(t.priority), ',"skills":', t.skills, ',"agent":', task.text(t.agent), ',"n":', task.number(t.n),
    ',"created":', task.number(t.created), ',"till":', task.number(t.till), ',"due":', task.number(t.due),
    ',"weight":', task.number(t.weight), ',"wish":', task.text(t.wish), ',"wish_agent":', task.text(t.wish_agent),
    ',"wish_seen":', task.number(t.wish_seen), ',"wish_from":', task.number(t.wish_from), ',"deputy":',
    task.text(t.deputy), ',"entered":', task.number(t.entered), ',"steps":', task.number(t.steps), ',"added":',
    task.list(t.added), ',"more":', task.list(t.more), ',"x":{',
    table.concat(x, ','), '},"last":{', table.concat(last, ','), '},"took":', task.list(t.took), task.clock_own(t), '}'})
end

-- ---- keeping ----

function task.load(r, id)
  local s = redis.call('HGET', r .. ':t', id)
  return s and task.whole(cmsgpack.unpack(s))
end

function task.ended(r, id)
  local s = redis.call('HGET', r .. ':done', id)
  return s and task.whole(cmsgpack.unpack(s))
end

function task.log(r, ...)
  redis.call('XADD', r .. ':log', 'MAXLEN', '~', task.LOG_MAX, '*', ...)
end

-- One entry tells agents (task), router (own) and supervisors alike.
function task.tell(r, t, kind, agent, reason)
  task.log(r, 'type', kind, 'agent', agent or '', 'queue', t.queue, 'id', t.id, 'n', t.n, 'until', task.number(t.till),
    'reason', reason or '', 'task', task.json(t), 'own', task.own(t))
end

function task.count(r, t, by)
  if t.state == 'waiting' then
    if by > 0 then
      redis.call('ZADD', r .. ':w:' .. t.queue, t.created, t.id)
    else
      redis.call('ZREM', r .. ':w:' .. t.queue, t.id)
    end
    return
  end
  local field = t.queue .. ' ' .. t.state
  if redis.call('HINCRBY', r .. ':n', field, by) <= 0 then
    redis.call('HDEL', r .. ':n', field)
  end
end

-- Into its indexes, or out of them.
function task.index(r, t, by)
  task.count(r, t, by)
  for _, agent in ipairs(task.holders(t)) do
    if by > 0 then
      redis.call('HSET', r .. ':a:' .. agent, t.id, task.number(t.weight) .. ' ' .. t.channel)
    else
      redis.call('HDEL', r .. ':a:' .. agent, t.id)
    end
  end
end

function task.remember(t, now, from, agent, reason)
  t.history[#t.history + 1] = '{"at":' .. task.time(now) .. ',"from":' .. task.text(from) .. ',"to":"' .. t.state ..
    '","agent":' .. task.text(agent) .. ',"reason":' .. task.text(reason) .. '}'
  if #t.history > task.HISTORY_MAX then -- the first one stays: where it came from
    table.remove(t.history, 2)
  end
end

-- An agent's work or wrap-up has ended: he is idle from now on.
function task.worked(r, agent, now)
  local s = redis.call('HGET', r .. ':p', agent)
  local p = s and cmsgpack.unpack(s) or {state = 'offline', reason = '', since = now, missed = 0, lost = 0}
  p.ended = now
  redis.call('HSET', r .. ':p', agent, cmsgpack.pack(p))
end

-- Into {r}:done, where creation is refused.
function task.finish(r, t, now)
  redis.call('HDEL', r .. ':t', t.id)
  redis.call('ZREM', r .. ':o', t.id)
  if t.conv ~= '' and redis.call('HGET', r .. ':v', t.conv) == t.id then
    redis.call('HDEL', r .. ':v', t.conv)
  end
  redis.call('HSET', r .. ':done', t.id, cmsgpack.pack(t))
  redis.call('ZADD', r .. ':ended', now, t.id)
  if t.conv ~= '' then
    redis.call('HSET', r .. ':dv', t.conv, t.id)
  end
end

function task.save(r, t, now)
  if t.state == 'done' or t.state == 'canceled' then
    task.finish(r, t, now)
  else
    redis.call('HSET', r .. ':t', t.id, cmsgpack.pack(t))
    task.index(r, t, 1)
  end
end

-- The others that had an offer: it has gone, or they are told what has become of the task.
function task.tell_others(r, t, c, told, before)
  for _, agent in ipairs(before) do
    if agent ~= told and not task.holds(t, agent) then
      task.tell(r, t, 'revoke', agent, t.state == 'accepted' and 'rescinded' or c.why or 'canceled')
    elseif agent ~= told then
      task.tell(r, t, 'task', agent)
    end
  end
end

-- The one place where a task moves. c: to, agent (false: nobody), more (to whom it is offered too), till, reason, who (for
-- the history), kind and why of the entry, tell (the agent to whom it is told).
function task.change(r, t, now, c)
  local from, had, before = t.state, t.agent, task.holders(t)
  task.index(r, t, -1)
  if (from == 'accepted' or from == 'wrapup') and c.to ~= 'wrapup' and c.to ~= from then
    task.worked(r, had, now)
  end
  t.state, t.till, t.rev = c.to, c.till or 0, t.rev + 1
  if c.agent ~= nil then
    t.agent = c.agent or ''
  end
  if c.more or t.state ~= 'offered' then
    t.more = c.more or {}
  end
  if not task.HELD[t.state] then
    t.weight = 0
  end
  local who, told = c.who or had, c.tell or had
  task.clock_change(r, t, now, c.reason)
  task.remember(t, now, from, who, c.reason)
  task.count_move(r, t, now, from, who, c.why)
  task.save(r, t, now)
  task.tell(r, t, c.kind or 'task', told, c.why)
  if from == 'offered' then
    task.tell_others(r, t, c, told, before)
  end
end

-- Back into the queue, in the place that it had.
function task.back(r, t, now, reason, kind, why)
  task.change(r, t, now, {to = 'waiting', agent = false, reason = reason, kind = kind, why = why})
end

-- ---- asking for work ----

function task.wish_kind(agent, kind)
  return agent ~= '' and (kind and kind ~= '' and kind or 'last') or ''
end

function task.new(args)
  return {id = args[2], rev = 1, conv = args[3], contact = args[4], tp = args[5], queue = args[6], channel = args[7],
    subject = args[8], priority = tonumber(args[9]), skills = args[10], tags = args[11], due = tonumber(args[12]),
    prev = args[13], wish = task.wish_kind(args[14], args[19]), wish_agent = args[14], wish_seen = tonumber(args[15]),
    wish_from = tonumber(args[16]), created = tonumber(args[16]), state = 'waiting', agent = '', n = 0, till = 0,
    weight = 0, disp = '', note = '', history = {}, x = {}, last = {}, took = {},
    again = tonumber(args[18]) or 0, deputy = args[20] or '', entered = tonumber(args[16]), steps = 0, added = {},
    more = {}}
end

function task.create(r, t, now, reason)
  local last = t.conv ~= '' and redis.call('HGET', r .. ':dv', t.conv)
  if last then
    t.prev = last
  end
  task.remember(t, now, nil, nil, reason)
  task.save(r, t, now)
  redis.call('ZADD', r .. ':o', t.created, t.id)
  if t.conv ~= '' then
    redis.call('HSET', r .. ':v', t.conv, t.id)
  end
  task.tell(r, t, 'task')
end

function task.asked(r, now, touchpoint)
  local window = math.floor(now / task.WINDOW_MS)
  return redis.call('HGET', r .. ':asked:' .. window, touchpoint) or
    redis.call('HGET', r .. ':asked:' .. (window - 1), touchpoint)
end

function task.take_in(r, t, now, touchpoint)
  local key = r .. ':asked:' .. math.floor(now / task.WINDOW_MS)
  redis.call('HSET', key, touchpoint, t.id)
  redis.call('PEXPIRE', key, 2 * task.WINDOW_MS)
  t.took[#t.took + 1] = touchpoint -- goes into its records: replayed in another order, it asks for nothing
  if #t.took > task.TOOK_MAX then
    table.remove(t.took, 1)
  end
end

-- The customer wrote again: the open task takes it in, and its agent is told. A snoozed one wakes.
function task.absorb(r, t, now, args)
  task.take_in(r, t, now, args[5])
  t.priority = math.max(t.priority, tonumber(args[9]))
  t.again = math.max(t.again or 0, tonumber(args[18]) or 0)
  local due = tonumber(args[12])
  t.due = (t.due == 0 or due > 0 and due < t.due) and due or t.due
  task.clock_asked(t, tonumber(args[16]))
  task.change(r, t, now, {to = t.state == 'snoozed' and 'waiting' or t.state, till = t.state ~= 'snoozed' and t.till or 0,
    reason = t.channel == 'call' and 'customer called again' or 'customer wrote again'})
end

tl.fn('task_want', function(keys, args)
  local r, now = keys[1], tonumber(args[1])
  local known = task.asked(r, now, args[5]) or args[2]
  local t = task.load(r, known) or task.ended(r, known)
  if t then
    return {t.id, t.state, '0', ''}
  end
  local open = args[3] ~= '' and redis.call('HGET', r .. ':v', args[3])
  t = open and task.load(r, open)
  if t then
    task.absorb(r, t, now, args)
    return {t.id, t.state, '0', task.own(t)}
  end
  t = task.new(args)
  task.clock_asked(t, t.created)
  task.create(r, t, now, 'touchpoint asked for an answer')
  return {t.id, t.state, '1', task.own(t)}
end)

-- By hand: refused where the conversation has an open one.
tl.fn('task_hand', function(keys, args)
  local r, now = keys[1], tonumber(args[1])
  local t = task.load(r, args[2]) or task.ended(r, args[2])
  if t then
    return {'ok', task.json(t), task.own(t), t.rev}
  end
  local open = args[3] ~= '' and redis.call('HGET', r .. ':v', args[3])
  t = open and task.load(r, open)
  if t then
    return {'open', task.json(t), task.own(t), t.rev}
  end
  t = task.new(args)
  task.create(r, t, now, args[17])
  return {'ok', task.json(t), task.own(t), t.rev}
end)

-- ---- replay ----

-- From the JSON of a record: task.json with task.own as its member "_own".
function task.read(json)
  local ok, j = pcall(cjson.decode, json)
  if not ok or type(j) ~= 'table' or type(j._own) ~= 'table' then
    return nil
  end
  local o = j._own
  local function s(v)
    return type(v) == 'string' and v or ''
  end
  local t = {id = o.id, rev = o.rev, conv = s(j.conversation), contact = s(j.contact), tp = s(j.touchpoint),
    prev = s(j.previous), queue = s(o.queue), channel = s(o.channel), subject = s(j.subject), priority = o.priority,
    skills = task.list(j.skills), tags = task.list(j.tags), state = o.state, agent = s(o.agent), n = o.n,
    till = o.till, created = o.created, due = o.due, weight = o.weight, wish = s(o.wish), wish_agent = s(o.wish_agent),
    wish_seen = o.wish_seen, wish_from = o.wish_from, disp = s(j.disposition), note = s(j.note), x = o.x,
    last = o.last, took = o.took, deputy = s(o.deputy), entered = o.entered, steps = o.steps, added = o.added, more = o.more,
    again = tonumber(j['repeat']) or 0, history = {}}
  for i, h in ipairs(j.history) do
    t.history[i] = (cjson.encode(h):gsub('\\/', '/'))
  end
  task.clock_read(t, o)
  return task.whole(t)
end

-- The higher revision stands, in whatever order records come, but an end before all: what has ended does not begin again.
tl.fn('task_put', function(keys, args)
  local r, now, t = keys[1], tonumber(args[1]), task.read(args[2])
  if not t then
    return {'bad', ''}
  end
  local old, open = task.ended(r, t.id), task.load(r, t.id)
  local ends = t.state == 'done' or t.state == 'canceled'
  if old or open and open.rev >= t.rev and not ends then
    return {open and open.rev == t.rev and 'known' or 'older', (old or open).state}
  end
  local other = t.conv ~= '' and redis.call('HGET', r .. ':v', t.conv)
  if other and other ~= t.id and not ends then
    return {'older', t.state} -- its conversation has gone on with another one
  end
  if open then
    task.index(r, open, -1)
  end
  if not ends then
    redis.call('ZADD', r .. ':o', t.created, t.id)
    if t.conv ~= '' then
      redis.call('HSET', r .. ':v', t.conv, t.id)
    end
  end
  local took = t.took
  t.took = {}
  for _, touchpoint in ipairs(took) do
    task.take_in(r, t, now, touchpoint)
  end
  task.save(r, t, now)
  task.tell(r, t, 'task', t.agent)
  return {'new', t.state}
end)

-- ---- erasure and merge ----

-- Nothing personal stays, but the id, so that a replay makes no new one.
tl.oom('task_forget', function(keys, args)
  local r, now, id = keys[1], tonumber(args[1]), args[2]
  local t, done = task.load(r, id), task.ended(r, id)
  local old = t or done
  if not old then
    return 0
  end
  old.subject, old.contact, old.tags, old.note, old.tp, old.history = '', '', '[]', '', '', {}
  if t then
    task.change(r, t, now, {to = 'canceled', reason = 'contact was erased', kind = t.state == 'offered' and 'revoke',
      why = 'canceled'})
  end
  local conv = old.conv
  old.conv = ''
  redis.call('HSET', r .. ':done', id, cmsgpack.pack(old))
  task.notice_forget(r, id)
  if conv ~= '' then
    redis.call('HDEL', r .. ':dv', conv)
  end
  return 1
end)

tl.fn('task_moved', function(keys, args)
  local r, now, id = keys[1], tonumber(args[1]), args[2]
  local t, done = task.load(r, id), task.ended(r, id)
  if t and t.contact ~= args[3] then
    t.contact = args[3]
    task.change(r, t, now, {to = t.state, till = t.till, reason = 'contact was merged'})
    return 1
  elseif done and done.contact ~= args[3] then
    done.contact = args[3]
    redis.call('HSET', r .. ':done', id, cmsgpack.pack(done))
    return 1
  end
  return 0
end)
