-- contact.lua - one contact's part: its profile, timeline, bodies and conversations, in one slot.
--
-- {c_ID}:c hash, by field
--   b born, ms      v rev         pr rev of the last patch   n, n:CHANNEL touchpoints   f l first, last
--   name lang       from touchpoints      p  patched members, JSON                      vf a verified identity
--   iHASH(16)       an identity           a  'AGENT MS' who had the contact last        o  open conversations, 16 bytes each
--   parts           ids of the parts merged into this one, 16 bytes each; mHASH in or out, since when (merge.lua)
--   k uHASH         correspondent.lua            e ea  contact_visit.lua
--   sN sn xKEY      suggestions (merge.lua)       to  pointer       gone  erased, ms
-- {c_ID}:t zset     at_ms -> id (16 bytes)
-- {c_ID}:b hash     id -> head and compressed body (contact.body)
-- {c_ID}:v hash     id -> conversation (contact.conv); T+8 bytes a thread, OO+8 the last one of a channel and source -> id
--
--   tl2_look     :c :v | open thread -> {} | {'to', pointer, gone, ...} | {'gone', ms} | {'contact', ...}   look.c
--   tl2_append   :c :t :b :v | ... -> {code, conversation, task, previous, asks, agent}                 append.c
--   tl2_deliver  :c :b | id rank json text -> {code, json}                                              append.c
--   tl2_amend    :c :b | id body new text -> code                                                      amend.c
--   tl2_outcome  :c :b :v | id conversation task -> 1                                                   append.c
--   tl2_task     :c :v | conversation task finished agent at json resolve text -> rev                   append.c
--   tl2_alias    :c | to status link evidence at -> {code, to}                                          look.c

local contact = {}

contact.channels = {'email', 'call', 'form', 'social', 'chat', 'sms', 'letter', 'fax', 'visit', 'web', 'other'}
contact.channel_at = {}
for i = 1, #contact.channels do -- while a library loads, Lua's own functions are not there yet
  contact.channel_at[contact.channels[i]] = i
end

contact.INBOUND, contact.NOTE, contact.DELETED, contact.TASK_OWN = 1, 2, 4, 8
contact.TASK_OTHER, contact.REVISION, contact.DELIVERY, contact.AUTO = 16, 32, 64, 128
contact.CONV_OTHER = 256
contact.OPEN, contact.PENDING, contact.RESOLVED = 0, 1, 2
contact.OPEN_MAX = 64

function contact.has(flags, bit_value)
  return bit.band(flags, bit_value) ~= 0
end

-- ---- a body's head: version, channel, flags, then what the flags announce; the rest is the body ----

function contact.body(id, r)
  local flags = bit.band(r.flags, contact.INBOUND + contact.NOTE + contact.DELETED + contact.AUTO)
  local tail = ''
  if r.conv ~= id then
    flags = flags + contact.CONV_OTHER
    tail = tail .. r.conv
  end
  if r.task == id then
    flags = flags + contact.TASK_OWN
  elseif r.task ~= '' then
    flags = flags + contact.TASK_OTHER
    tail = tail .. r.task
  end
  if r.revision > 0 then
    flags = flags + contact.REVISION
    tail = tail .. struct.pack('>i8', r.revision)
  end
  if r.rank > 0 then
    flags = flags + contact.DELIVERY
    tail = tail .. struct.pack('>BI2c0', r.rank, #r.delivery, r.delivery)
  end
  return struct.pack('>BBI2', 1, r.channel, flags) .. tail .. r.body
end

function contact.body_read(id, s)
  local r = {conv = id, task = '', revision = 0, rank = 0, delivery = ''}
  local _, at
  _, r.channel, r.flags, at = struct.unpack('>BBI2', s)
  if contact.has(r.flags, contact.CONV_OTHER) then
    r.conv, at = s:sub(at, at + 15), at + 16
  end
  if contact.has(r.flags, contact.TASK_OWN) then
    r.task = id
  elseif contact.has(r.flags, contact.TASK_OTHER) then
    r.task, at = s:sub(at, at + 15), at + 16
  end
  if contact.has(r.flags, contact.REVISION) then
    r.revision, at = struct.unpack('>i8', s, at)
  end
  if contact.has(r.flags, contact.DELIVERY) then
    r.rank, r.delivery, at = struct.unpack('>BI2c0', s, at)
  end
  r.body = s:sub(at)
  return r
end

-- ---- a conversation ----

contact.CONV = '>BBI4i6i6i6i6Bc0Bc0Bc0Bc0I2c0I2c0'

function contact.conv(v)
  return struct.pack(contact.CONV, 1, v.status, v.rev, v.opened, v.last, v.status_at, v.owner_at, #v.channel,
    v.channel, #v.source, v.source, #v.owner, v.owner, #v.task, v.task, #v.subject, v.subject, #v.done, v.done)
end

function contact.conv_read(s)
  local v, _ = {}
  _, v.status, v.rev, v.opened, v.last, v.status_at, v.owner_at, v.channel, v.source, v.owner, v.task, v.subject,
    v.done = struct.unpack(contact.CONV, s)
  return v
end

-- The last finished task of a conversation: its id's bytes, or ''. `done` is 16 bytes of id, 2 of length and JSON, each.
function contact.last_done(v)
  local at, id = 1, ''
  while at <= #v.done do
    id = v.done:sub(at, at + 15)
    at = at + 18 + struct.unpack('>I2', v.done, at + 16)
  end
  return id
end

function contact.has_done(v, task)
  local at = 1
  while at <= #v.done do
    if v.done:sub(at, at + 15) == task then
      return true
    end
    at = at + 18 + struct.unpack('>I2', v.done, at + 16)
  end
  return false
end

contact.DONE_MAX = 16384

-- The newest finished tasks are kept.
function contact.bounded(done)
  while #done > contact.DONE_MAX do
    done = done:sub(19 + struct.unpack('>I2', done, 17))
  end
  return done
end

-- Status by the newest event, whatever the order in which events are applied.
function contact.move(v, status, at)
  if at >= v.status_at then
    v.status, v.status_at = status, at
  end
end

-- The list of open conversations, the newest at the end, bounded.
function contact.open_list(list, conv, is_open)
  local out = {}
  for i = 1, #list, 16 do
    local id = list:sub(i, i + 15)
    if id ~= conv then
      out[#out + 1] = id
    end
  end
  if is_open then
    out[#out + 1] = conv
  end
  return table.concat(out, '', math.max(1, #out - contact.OPEN_MAX + 1))
end

function contact.publish(key, payload)
  redis.call('SPUBLISH', key:sub(1, -3), payload)
end

-- ---- identities ----

contact.IDENTITY = '>BBi6Bc0Bc0I2c0I2c0'

function contact.identity(i)
  return struct.pack(contact.IDENTITY, i.status, i.link, i.since, #i.kind, i.kind, #i.evidence, i.evidence, #i.value,
    i.value, #i.display, i.display)
end

function contact.identity_read(s)
  local i = {}
  i.status, i.link, i.since, i.kind, i.evidence, i.value, i.display = struct.unpack(contact.IDENTITY, s)
  return i
end

-- Adds those of args[from...] (hash status link kind value evidence display, each) to the fields; a better status or
-- link stands. Returns whether any is new or better, and whether one is verified.
function contact.identities(key, args, from, since, fields)
  local changed, verified = false, false
  for at = from, #args, 7 do
    local name = 'i' .. args[at]
    local i = {status = tonumber(args[at + 1]), link = tonumber(args[at + 2]), since = since, kind = args[at + 3],
      value = args[at + 4], evidence = args[at + 5], display = args[at + 6]}
    local old = redis.call('HGET', key, name)
    old = old and contact.identity_read(old)
    if not old then
      changed = true
    elseif i.status > old.status or i.link > old.link then
      i.since = i.status > old.status and since or old.since
      i.evidence = i.status > old.status and i.evidence or old.evidence
      i.status, i.link = math.max(i.status, old.status), math.max(i.link, old.link)
      changed = true
    end
    verified = verified or i.status == 1
    if not old or i.status > old.status or i.link > old.link then
      fields[#fields + 1] = name
      fields[#fields + 1] = contact.identity(i)
    end
  end
  return changed, verified
end

-- ---- looking ----

-- The conversations that the two fields lead to: id and record, twice.
function contact.fields(reply, key, args)
  for i = 1, 2 do
    local id = args[i] ~= '' and redis.call('HGET', key, args[i])
    reply[#reply + 1] = id or ''
    reply[#reply + 1] = id and redis.call('HGET', key, id) or ''
  end
  return reply
end

tl.ro('look', function(keys, args)
  local c = redis.call('HMGET', keys[1], 'b', 'to', 'gone', 'parts', 'vf', 'p', 'name', 'lang', 'a', 'v', 'e', 'ea')
  if not c[1] then
    if c[2] then
      return {'to', c[2], c[3] or ''}
    end
    return c[3] and {'gone', c[3]} or {}
  end
  if c[2] then -- merged into another one; its conversations are still its own
    return contact.fields({'to', c[2], ''}, keys[2], args)
  end
  return contact.visited(contact.fields({'contact', c[1], c[4] or '', c[5] or '', c[6] or '', c[7] or '', c[8] or '',
    c[9] or '', c[10] or '0'}, keys[2], args), c)
end)

-- ---- appending ----
-- args: 1 id 2 at 3 received 4 revision 5 flags 6 channel 7 source 8 body 9 delivery 10 its rank
--       11 conversation or '' 12 mode: own, join, look, callback 13 open field 14 thread field
--       15 '1' wants a task, '2' settles the one that is open, else '0'
--       16 subject 17 name 18 language 19 payload to publish 20 previous task known to the caller or ''
--       21... identities, 7 each; a last one that belongs to none of them: contact.remember's note
-- code: new, revised, known; gone (erased), moved (an alias by now: conversation is where it leads)
-- asks: '1' where {r} is to be asked for the task (it may have been already: asking twice is harmless)

-- Which conversation it belongs to: id, record or nil, last finished task of the one before.
function contact.choose(keys, args)
  local id, mode = args[1], args[12]
  if mode == 'join' then
    local s = redis.call('HGET', keys[4], args[11])
    return args[11], s and contact.conv_read(s), ''
  elseif mode == 'look' then
    local by_thread = args[14] ~= ''
    local found = redis.call('HGET', keys[4], by_thread and args[14] or args[13])
    local s = found and redis.call('HGET', keys[4], found)
    local v = s and contact.conv_read(s)
    if v and (by_thread or v.status ~= contact.RESOLVED) then
      return found, v, ''
    end
    return id, nil, v and contact.last_done(v) or ''
  elseif mode == 'callback' then -- calls belong together while somebody is to be called back
    local found = redis.call('HGET', keys[4], args[13])
    local s = found and redis.call('HGET', keys[4], found)
    local v = s and contact.conv_read(s)
    if v and v.task ~= '' then
      return found, v, ''
    end
  end
  return id, nil, ''
end

-- A talk ends the wait for a call back, unless the person called in vain again after it.
function contact.settles(args, v)
  return args[15] == '2' and v.task ~= '' and tonumber(args[2]) >= v.last
end

function contact.join(keys, args, flags)
  local conv, v, previous = contact.choose(keys, args)
  local at, received, begun = tonumber(args[2]), tonumber(args[3]), not v
  v = v or {status = contact.OPEN, rev = 0, opened = at, last = at, status_at = -1, owner_at = 0, channel = args[6],
    source = args[7], owner = '', task = '', subject = args[16], done = ''}
  local settles = contact.settles(args, v)
  v.rev = v.rev + 1
  v.opened, v.last = math.min(v.opened, at), math.max(v.last, at)
  if contact.has(flags, contact.INBOUND) then
    if not contact.has(flags, contact.AUTO) then
      contact.move(v, contact.OPEN, received)
    elseif begun then
      contact.move(v, contact.RESOLVED, received)
    end
  elseif not contact.has(flags, contact.NOTE) and not contact.has(flags, contact.AUTO) then
    contact.move(v, contact.PENDING, received)
  end
  local done = contact.last_done(v)
  if args[15] == '1' and v.task == '' then
    v.task = args[1]
  end
  local fields = {conv, contact.conv(v)}
  for _, name in ipairs({args[13], args[14]}) do
    if name ~= '' and (args[12] == 'look' or args[15] == '1' or begun and args[12] ~= 'callback') then
      fields[#fields + 1] = name
      fields[#fields + 1] = conv
    end
  end
  redis.call('HSET', keys[4], unpack(fields))
  return conv, v, done ~= '' and done or previous, settles
end

-- A later revision may ask for work where the first did not (a call that was abandoned in the end).
function contact.revise(keys, args, old)
  local id, rank, asks = args[1], tonumber(args[10]), '0'
  old.revision, old.channel = tonumber(args[4]), contact.channel_at[args[6]] or 11
  old.flags, old.body = tonumber(args[5]), args[8]
  if rank > old.rank then
    old.rank, old.delivery = rank, args[9]
  end
  local s = redis.call('HGET', keys[4], old.conv)
  if s then
    local v = contact.conv_read(s)
    if contact.settles(args, v) then
      old.task, asks = v.task, '1'
    end
    v.rev, v.last = v.rev + 1, math.max(v.last, tonumber(args[2]))
    v.opened = math.min(v.opened, tonumber(args[2]))
    if args[15] == '1' and old.task == '' then
      v.task = v.task ~= '' and v.task or id
      old.task, asks = v.task, '1'
    end
    redis.call('HSET', keys[4], old.conv, contact.conv(v))
  end
  redis.call('HSET', keys[3], id, contact.body(id, old))
  redis.call('ZADD', keys[2], args[2], id)
  contact.publish(keys[1], args[19])
  return asks
end

-- Counters, names, identities, open conversations: what of the profile an entry changes.
function contact.count(keys, args, c, conv, v, note)
  local at, received, name = tonumber(args[2]), tonumber(args[3]), 'n:' .. args[6]
  local fields = {'n', (tonumber(c.n) or 0) + 1, name, (tonumber(redis.call('HGET', keys[1], name)) or 0) + 1,
    'f', string.format('%.0f', math.min(tonumber(c.f) or at, at)), 'l',
    string.format('%.0f', math.max(tonumber(c.l) or at, at)), 'o',
    contact.open_list(c.o or '', conv, v.status ~= contact.RESOLVED)}
  local function set(field, value)
    fields[#fields + 1] = field
    fields[#fields + 1] = value
  end
  set('b', string.format('%.0f', math.min(tonumber(c.b) or received, received)))
  if args[17] ~= '' and not c.name then
    set('name', args[17])
  end
  if args[18] ~= '' and not c.lang then
    set('lang', args[18])
  end
  local changed, verified = contact.identities(keys[1], args, 21, at, fields)
  if verified and not c.vf then
    set('vf', '1')
  end
  if changed or not c.v then
    set('v', (tonumber(c.v) or 0) + 1)
  end
  contact.remember(args, c, conv, tonumber(args[5]), note, set)
  redis.call('HSET', keys[1], unpack(fields))
end

tl.fn('append', function(keys, args)
  local id, flags, note = args[1], tonumber(args[5]), (#args - 20) % 7 == 1 and table.remove(args) or nil
  local old = redis.call('HGET', keys[3], id)
  if old then
    old = contact.body_read(id, old)
    if tonumber(args[4]) > old.revision then
      local asks = contact.revise(keys, args, old)
      return {'revised', old.conv, old.task, '', asks, ''}
    end
    local s = old.task ~= '' and redis.call('HGET', keys[4], old.conv)
    return {'known', old.conv, old.task, '', s and contact.conv_read(s).task == old.task and '1' or '0', ''}
  end
  local names = {'b', 'to', 'gone', 'n', 'f', 'l', 'o', 'name', 'lang', 'vf', 'v', 'a', 'e', 'ea'}
  local c = {}
  for i, value in ipairs(redis.call('HMGET', keys[1], unpack(names))) do
    c[names[i]] = value or nil
  end
  if c.gone then
    return {'gone', ''}
  elseif c.to and not c.b then
    return {'moved', c.to}
  end
  local conv, v, previous, settles = contact.join(keys, args, flags)
  local task = (args[15] == '1' or settles) and v.task or ''
  redis.call('ZADD', keys[2], args[2], id)
  redis.call('HSET', keys[3], id, contact.body(id, {flags = flags, channel = contact.channel_at[args[6]] or 11,
    conv = conv, task = task, revision = tonumber(args[4]), rank = tonumber(args[10]), delivery = args[9],
    body = args[8]}))
  contact.count(keys, args, c, conv, v, note)
  contact.publish(keys[1], args[19])
  return {'new', conv, task, previous ~= '' and previous or args[20], task ~= '' and '1' or '0', c.a or ''}
end)

-- A delivery state never steps back: failed and read stand above delivered, above sent, above queued.
tl.fn('deliver', function(keys, args)
  local id, rank = args[1], tonumber(args[2])
  local old = redis.call('HGET', keys[2], id)
  if not old then
    return {'unknown', ''}
  end
  old = contact.body_read(id, old)
  if rank <= old.rank then
    return {'known', old.delivery}
  end
  old.rank, old.delivery = rank, args[3]
  redis.call('HSET', keys[2], id, contact.body(id, old))
  contact.publish(keys[1], args[4])
  return {'new', args[3]}
end)

-- The same entry with something of its body made better (an attachment fetched), if it is still the body that was seen.
tl.fn('amend', function(keys, args)
  local old = redis.call('HGET', keys[2], args[1])
  if not old then
    return {'unknown'}
  end
  old = contact.body_read(args[1], old)
  if old.body ~= args[2] then
    return {'changed'}
  end
  old.body = args[3]
  redis.call('HSET', keys[2], args[1], contact.body(args[1], old))
  contact.publish(keys[1], args[4])
  return {'ok'}
end)

-- The task that {r} really gave, where it is another one than the conversation's.
tl.fn('outcome', function(keys, args)
  local id, task = args[1], args[3]
  local old, s = redis.call('HGET', keys[2], id), redis.call('HGET', keys[3], args[2])
  if old then
    old = contact.body_read(id, old)
    old.task = task
    redis.call('HSET', keys[2], id, contact.body(id, old))
  end
  if s then
    local v = contact.conv_read(s)
    if not contact.has_done(v, task) then
      v.task = task
      redis.call('HSET', keys[3], args[2], contact.conv(v))
    end
  end
  return 1
end)

-- A task's state as its conversation shows it. finished: '1' done or canceled; resolve: '1' where that ends the
-- conversation; json: what is kept of a finished one.
tl.fn('task', function(keys, args)
  local conv, task, finished, agent, at = args[1], args[2], args[3] == '1', args[4], tonumber(args[5])
  local s = redis.call('HGET', keys[2], conv)
  if not s then
    return 0
  end
  local v = contact.conv_read(s)
  local known = contact.has_done(v, task)
  if finished and not known then
    v.done = contact.bounded(v.done .. task .. struct.pack('>I2c0', #args[6], args[6]))
    if args[7] == '1' then
      contact.move(v, contact.RESOLVED, at)
    end
  end
  if finished and v.task == task then
    v.task = ''
  elseif not finished and not known then
    v.task = task
  end
  if agent ~= '' and at >= v.owner_at then
    v.owner, v.owner_at = agent, at
  end
  v.rev = v.rev + 1
  redis.call('HSET', keys[2], conv, contact.conv(v))
  local c = redis.call('HMGET', keys[1], 'o', 'a', 'e', 'ea')
  redis.call('HSET', keys[1], 'o', contact.open_list(c[1] or '', conv, v.status ~= contact.RESOLVED),
    unpack(contact.served(c, conv, agent, at)))
  contact.publish(keys[1], args[8])
  return v.rev
end)

-- ---- aliases: to(16) kind(1) status(1) link(1) since(6) evidence ----
-- code: set, same, other (leads elsewhere), contact (has a life of its own)

tl.fn('alias', function(keys, args)
  local to, status, link = args[1], tonumber(args[2]), tonumber(args[3])
  local c = redis.call('HMGET', keys[1], 'b', 'to')
  if c[1] then
    return {'contact', c[2] or ''}
  end
  local old = c[2]
  if old and old:sub(1, 16) ~= to then
    return {'other', old:sub(1, 16)}
  end
  if old and old:byte(18) >= status and old:byte(19) >= link then
    return {'same', to}
  end
  if old then
    status, link = math.max(status, old:byte(18)), math.max(link, old:byte(19))
  end
  redis.call('HSET', keys[1], 'to', to .. struct.pack('>c1BBi6', 'a', status, link, tonumber(args[5])) .. args[4])
  return {old and 'same' or 'set', to}
end)
