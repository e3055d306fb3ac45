-- task_move.lua - what agents do to tasks, and their presence.
--
-- {r}:p  agent -> {state, reason, since, ended (last work or wrap-up), missed (offers in a row), lost (no stream since)}
--
--   tl2_task_move  now id move actor role queues n reason disposition note queue agent until rules
--                  -> {code, json, own, rev, had}                                            task_move.c
--       role 'agent' (his own), 'lead' (any within queues; '' all). queues: lines. rules: lines 'QUEUE WRAP CALLWRAP HOLDOFF
--       START_BY PENALISE(1 0)'
--   tl2_task_touched  now conv -> 1, 0: something was done about the conversation's open task        task_clock.c
--       code ok, repeated, none (not there, or not to be known), state, offer (that offer is over)
--   tl2_presence      now agent state reason -> {state, reason, since}                       task_agent.c
--   tl2_presence_back agent state reason since -> 1, 0: only where none is known             task_agent.c

task.moves = {
  accept = {from = {offered = 'agent'}},
  reject = {from = {offered = 'agent'}},
  complete = {from = {accepted = 'agent'}},
  transfer = {from = {accepted = 'agent', waiting = 'lead', offered = 'lead', snoozed = 'lead'}},
  release = {from = {accepted = 'agent', offered = 'lead', snoozed = 'lead'}},
  snooze = {from = {accepted = 'agent', waiting = 'lead'}},
  settle = {from = {accepted = 'lead', waiting = 'lead', offered = 'lead', snoozed = 'lead'}},
}

function task.line_of(lines, word)
  return ('\n' .. lines):find('\n' .. word .. '\n', 1, true) ~= nil
end

function task.rule(rules, queue)
  local at = ('\n' .. rules):find('\n' .. queue .. ' ', 1, true)
  if not at then
    return 0, 0, 0
  end
  local wrap, call, holdoff, start, penalise = rules:sub(at + #queue):match('^ (%-?%d+) (%-?%d+) (%d+) ?(%d*) ?(%d*)')
  return tonumber(wrap), tonumber(call), tonumber(holdoff), tonumber(start) or 0, penalise == '1'
end

function task.exclude(t, agent, now, holdoff)
  for a, till in pairs(t.x) do
    if till <= now then
      t.x[a] = nil
    end
  end
  if agent ~= '' and holdoff > 0 then
    t.x[agent] = now + holdoff
  end
end

function task.no_wish(t)
  t.wish, t.wish_agent, t.wish_seen, t.wish_from, t.deputy = '', '', 0, 0, ''
end

-- He does not take it: of a key account the deputy is asked next, otherwise nobody in particular.
function task.refused(t, agent, now)
  local key = t.wish == 'key' or t.wish == 'key-hard'
  local deputy = key and t.deputy or ''
  if key and t.wish_agent ~= agent then
    return
  end
  task.no_wish(t)
  if deputy ~= '' then
    task.wish_for(t, 'key', deputy, now)
  end
end

-- Idle from now on only, where his queue wants it so.
function task.penalise(r, agent, now)
  local p = task.presence(r, agent)
  p.ended = now
  redis.call('HSET', r .. ':p', agent, cmsgpack.pack(p))
end

-- One of several loses the offer, the others keep it; false: he was the last.
function task.drop(r, t, now, agent, reason, why)
  local rest = {}
  for _, a in ipairs(task.holders(t)) do
    rest[#rest + 1] = a ~= agent and a or nil
  end
  if t.state ~= 'offered' or #rest == 0 then
    return false
  end
  local first = table.remove(rest, 1)
  task.change(r, t, now, {to = 'offered', till = t.till, agent = first, more = rest, reason = reason, who = agent,
    kind = 'revoke', tell = agent, why = why})
  return true
end

function task.wish_for(t, kind, agent, from)
  t.wish, t.wish_agent, t.wish_seen, t.wish_from = kind, agent, from, from
end

function task.answered(r, agent)
  local s = redis.call('HGET', r .. ':p', agent)
  local p = s and cmsgpack.unpack(s)
  if p and p.missed > 0 then
    p.missed = 0
    redis.call('HSET', r .. ':p', agent, cmsgpack.pack(p))
  end
end

-- With a colon and what was said, where something was said.
function task.said(word, text)
  return text ~= '' and word .. ': ' .. text or word
end

-- m: actor, n, reason, disposition, note, queue, agent, till, rules

function task.moves.accept.act(r, t, now, m)
  local who = m.by_lead and t.agent or m.actor
  local _, _, _, start = task.rule(m.rules, t.queue)
  task.answered(r, who)
  task.change(r, t, now, {to = 'accepted', agent = who, who = who, tell = who, till = start > 0 and now + start or 0,
    reason = m.by_lead and 'accepted for him by ' .. m.actor or 'accepted'})
end

function task.moves.reject.act(r, t, now, m)
  local _, _, holdoff, _, penalise = task.rule(m.rules, t.queue)
  local who = m.by_lead and t.agent or m.actor
  local reason = task.said('rejected', m.reason)
  task.answered(r, who)
  if penalise then
    task.penalise(r, who, now)
  end
  task.exclude(t, who, now, holdoff)
  task.refused(t, who, now)
  if not task.drop(r, t, now, who, reason, 'rejected') then
    task.back(r, t, now, reason, 'revoke', 'rejected')
  end
end

function task.moves.complete.act(r, t, now, m)
  local wrap, call = task.rule(m.rules, t.queue)
  if t.channel == 'call' and call >= 0 then
    wrap = call
  end
  t.disp, t.note = m.disposition, m.note
  if wrap > 0 then
    task.change(r, t, now, {to = 'wrapup', till = now + wrap, reason = task.said('completed', m.disposition)})
  else
    task.change(r, t, now, {to = 'done', reason = task.said('completed', m.disposition)})
  end
end

-- Into another queue, whose steps then begin; its place among the others stays by its age.
function task.into(r, t, now, queue)
  task.index(r, t, -1)
  t.queue, t.entered, t.steps, t.added = queue, now, 0, {}
  task.index(r, t, 1)
end

function task.moves.transfer.act(r, t, now, m)
  local _, _, holdoff = task.rule(m.rules, t.queue)
  local was = t.state
  task.exclude(t, m.by_lead and '' or m.actor, now, holdoff)
  task.no_wish(t)
  local to = m.queue ~= '' and 'queue ' .. m.queue or m.agent
  local reason = task.said('transferred by ' .. m.actor .. ' to ' .. to, m.reason)
  if m.agent ~= '' then
    t.x[m.agent] = nil
    task.wish_for(t, 'transfer', m.agent, now)
  end
  if m.queue ~= '' then -- the old queue's index must not keep it
    task.into(r, t, now, m.queue)
  end
  task.back(r, t, now, reason, was == 'offered' and 'revoke', 'transferred')
end

-- Not to him again at once, whoever took it from him.
function task.moves.release.act(r, t, now, m)
  local _, _, holdoff = task.rule(m.rules, t.queue)
  for _, agent in ipairs(task.holders(t)) do
    task.exclude(t, agent, now, holdoff)
  end
  task.no_wish(t)
  task.back(r, t, now, task.said('released by ' .. m.actor, m.reason), t.state == 'offered' and 'revoke', 'released')
end

function task.moves.snooze.act(r, t, now, m)
  if t.agent ~= '' then
    task.wish_for(t, 'snooze', t.agent, m.till)
  end
  task.change(r, t, now, {to = 'snoozed', agent = false, till = m.till, reason = 'snoozed by ' .. m.actor})
end

-- What it was for has come about by itself; whoever has accepted it gets his wrap-up.
function task.moves.settle.act(r, t, now, m)
  if t.state == 'accepted' then
    m.disposition = m.reason
    return task.moves.complete.act(r, t, now, m)
  end
  t.disp = m.reason
  task.change(r, t, now, {to = 'done', kind = t.state == 'offered' and 'revoke', why = 'settled',
    reason = 'settled: ' .. m.reason})
end

-- nil where he may, else the code.
function task.refuses(t, name, m)
  local who = task.moves[name].from[t.state]
  local his = task.holds(t, m.actor)
  if name == 'accept' or name == 'reject' then
    if m.n ~= '' and (t.state ~= 'offered' or tonumber(m.n) ~= t.n or not his and not m.by_lead) then
      return his and t.state ~= 'offered' and tonumber(m.n) == t.n and 'state' or 'offer'
    end
    if t.state == 'offered' and not his and not m.by_lead then
      return 'offer'
    end
  end
  if not who or who == 'lead' and not m.by_lead or not his and not m.by_lead then
    return 'state'
  end
end

tl.fn('task_move', function(keys, args)
  local r, now, name = keys[1], tonumber(args[1]), args[3]
  local m = {actor = args[4], n = args[7], reason = args[8], disposition = args[9], note = args[10], queue = args[11],
    agent = args[12], till = tonumber(args[13]), rules = args[14]}
  local t, ended = task.load(r, args[2]), nil
  if not t then
    ended = task.ended(r, args[2])
    t = ended
  end
  if not t then
    return {'none'}
  end
  local touched = t.agent == m.actor or task.holds(t, m.actor) or t.last[m.actor] ~= nil or t.x[m.actor] ~= nil
  if args[6] ~= '' and not task.line_of(args[6], t.queue) and not touched then
    return {'none'}
  end
  m.by_lead = args[5] == 'lead' and not task.holds(t, m.actor)
  local sign = table.concat({name, name == 'transfer' and m.queue .. '/' .. m.agent or '',
    name == 'snooze' and args[13] or '', (name == 'accept' or name == 'reject') and (m.n ~= '' and m.n or t.n) or ''}, ' ')
  local no = task.refuses(t, name, m)
  if no then
    local again = t.last[m.actor] == sign or
      (name == 'reject' and m.n == '' and (t.last[m.actor] or ''):sub(1, 7) == 'reject ')
    return {again and 'repeated' or no, task.json(t), task.own(t), t.rev, t.agent}
  end
  t.last[m.actor] = sign
  local had, queue = t.agent, t.queue
  task.moves[name].act(r, t, now, m)
  if m.by_lead and name ~= 'settle' then
    task.audit(r, now, {who = m.actor, what = 'task.' .. name, task = t.id, agent = had, queues = queue .. '\n',
      why = m.reason})
  end
  return {'ok', task.json(t), task.own(t), t.rev, had}
end)

-- ---- presence ----

function task.presence(r, agent)
  local s = redis.call('HGET', r .. ':p', agent)
  return s and cmsgpack.unpack(s) or {state = 'offline', reason = '', since = 0, ended = 0, missed = 0, lost = 0}
end

function task.set_presence(r, agent, p, now, state, reason)
  if p.state ~= state or p.reason ~= reason then
    task.count_presence(r, agent, p, now)
    p.state, p.reason, p.since = state, reason, now
  end
  p.missed = 0
  redis.call('HSET', r .. ':p', agent, cmsgpack.pack(p))
  task.log(r, 'type', 'presence', 'agent', agent, 'reason', reason, 'state', state, 'since', task.number(p.since),
    'ended', task.number(p.ended or 0), 'missed', '0', 'lost', task.number(p.lost))
end

-- Whoever says something is there, also without a stream. Any word of his ends his wrap-ups.
tl.fn('presence', function(keys, args)
  local r, now, agent = keys[1], tonumber(args[1]), args[2]
  for _, id in ipairs(redis.call('HKEYS', r .. ':a:' .. agent)) do
    local t = task.load(r, id)
    if t and t.state == 'wrapup' then
      task.change(r, t, now, {to = 'done', reason = 'wrap-up ended by ' .. agent, why = 'wrapup'})
    end
  end
  local p = task.presence(r, agent)
  p.lost = 0
  task.set_presence(r, agent, p, now, args[3], args[4])
  return {p.state, p.reason, task.number(p.since)}
end)

-- The store came back without it: what a daemon still knows.
tl.fn('presence_back', function(keys, args)
  local r, agent = keys[1], args[1]
  if redis.call('HEXISTS', r .. ':p', agent) == 1 then
    return 0
  end
  local since = tonumber(args[4])
  task.set_presence(r, agent, {state = '', since = 0, ended = 0, missed = 0, lost = 0}, since, args[2], args[3])
  return 1
end)
