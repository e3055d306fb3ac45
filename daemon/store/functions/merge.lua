-- merge.lua - what agents do to contacts and conversations, and erasure; the steps of merging and splitting.
--
-- Further fields of {c_ID}:c
--   mPART(16)  '>Bi6' 1 merged in or 0 taken out, by an agent or not, since when: the newest decision stands
--   sN         an open suggestion, JSON      sn  how many there were      xKEY(16)  the suggestion about KEY
-- A pointer (field `to`): contact(16) 'm' since(6) of a merged contact; 'a' … of an alias (contact.lua).
--
--   tl2_join     :c | part parts at explicit if_rev rev payload -> {code, rev}
--   tl2_point    :c | to at -> 1, 0
--   tl2_part     :c | at if_rev rev payload n part... identity... -> {code, rev}
--   tl2_unpoint  :c | at to|'' -> 1, 0
--   tl2_detach   :c | from at identity(7) -> 1, 0
--   tl2_create   :c | at profile payload identity(7)... -> {code, rev}
--   tl2_identify :c | at payload identity(7) -> 1, 0
--   tl2_patch    :c | profile if_rev rev payload -> {code, rev}
--   tl2_suggest  :c | key json payload -> n, 0 known
--   tl2_settle   :c | n payload -> json or nil
--   tl2_conv     :c :v | conversation status owner if_rev rev at payload -> {code, rev}
--   tl2_cut      :t :b | id... -> 1
--   tl2_gone     :c :t :b :v | at payload -> 1
--   tl2_lock     {r}:merge | token ms -> 1, 0        tl2_unlock  {r}:merge | token -> 1, 0
-- Callers: merge.c, erase.c, change.c. code: ok, known, stale, refused, none, gone, moved (rev is where it leads).
-- if_rev below 0: any. rev above 0: of a record that is applied again; it stands where it is the higher.

local merge = {}

function merge.rev(v, rev)
  return math.max((tonumber(v) or 0) + 1, tonumber(rev))
end

function merge.list(ids, drop, add)
  local out, seen = {}, {}
  for i = 1, #ids, 16 do
    local id = ids:sub(i, i + 15)
    if not drop[id] and not seen[id] then
      out[#out + 1], seen[id] = id, true
    end
  end
  for i = 1, #add, 16 do
    local id = add:sub(i, i + 15)
    if not seen[id] then
      out[#out + 1], seen[id] = id, true
    end
  end
  return table.concat(out)
end

-- nil where the contact may be changed, else the answer.
function merge.refuse(c, if_rev, rev)
  if c.gone then
    return {'gone', '0'}
  elseif not c.b then
    return {'none', '0'}
  elseif c.to then
    return {'moved', c.to:sub(1, 16)}
  elseif tonumber(if_rev) >= 0 and tonumber(rev) == 0 and tonumber(if_rev) ~= (tonumber(c.v) or 0) then
    return {'stale', c.v or '0'}
  end
end

function merge.contact(key, ...)
  local names = {'b', 'to', 'gone', 'v', ...}
  local c = {}
  for i, value in ipairs(redis.call('HMGET', key, unpack(names))) do
    c[names[i]] = value or nil
  end
  return c
end

tl.fn('join', function(keys, args)
  local part, at, explicit = args[1], tonumber(args[3]), args[4] == '1'
  local c = merge.contact(keys[1], 'parts', 'm' .. part)
  local no = merge.refuse(c, args[5], args[6])
  if no then
    return no
  end
  local old = c['m' .. part]
  if old then
    local state, since = struct.unpack('>Bi6', old)
    if state == 1 then
      return {'known', c.v or '0'}
    elseif at < since or not explicit then -- an agent took them apart: only an agent joins them again
      return {'refused', c.v or '0'}
    end
  end
  local rev = merge.rev(c.v, args[6])
  redis.call('HSET', keys[1], 'm' .. part, struct.pack('>Bi6', 1, at), 'parts',
    merge.list(c.parts or '', {}, part .. args[2]), 'v', rev)
  contact.publish(keys[1], args[7])
  return {'ok', tostring(rev)}
end)

tl.fn('point', function(keys, args)
  local c = merge.contact(keys[1])
  local at = tonumber(args[2])
  if c.gone or not c.b then
    return 0
  end
  if c.to and c.to:sub(17, 17) == 'm' and struct.unpack('>i6', c.to, 18) > at then
    return 0
  end
  redis.call('HSET', keys[1], 'to', args[1] .. 'm' .. struct.pack('>i6', at))
  return 1
end)

tl.fn('part', function(keys, args)
  local at, n, drop, gone = tonumber(args[1]), tonumber(args[5]), {}, {}
  local c = merge.contact(keys[1], 'parts')
  local no = merge.refuse(c, args[2], args[3])
  if no then
    return no
  end
  local fields = {}
  for i = 6, 5 + n do
    local old = redis.call('HGET', keys[1], 'm' .. args[i])
    if not old or struct.pack('>Bi6', 1, at) ~= old and select(2, struct.unpack('>Bi6', old)) <= at then
      drop[args[i]] = true
      fields[#fields + 1] = 'm' .. args[i]
      fields[#fields + 1] = struct.pack('>Bi6', 0, at)
    end
  end
  for i = 6 + n, #args do
    gone[#gone + 1] = 'i' .. args[i]
  end
  if #gone > 0 then
    redis.call('HDEL', keys[1], unpack(gone))
  end
  local rev = merge.rev(c.v, args[3])
  fields[#fields + 1] = 'v'
  fields[#fields + 1] = rev
  local parts = merge.list(c.parts or '', drop, '')
  if parts == '' then
    redis.call('HDEL', keys[1], 'parts')
  else
    redis.call('HSET', keys[1], 'parts', parts)
  end
  redis.call('HSET', keys[1], unpack(fields))
  contact.publish(keys[1], args[4])
  return {'ok', tostring(rev)}
end)

tl.fn('unpoint', function(keys, args)
  local to = redis.call('HGET', keys[1], 'to')
  if not to or to:sub(17, 17) ~= 'm' or struct.unpack('>i6', to, 18) > tonumber(args[1]) then
    return 0
  end
  if args[2] == '' then
    redis.call('HDEL', keys[1], 'to')
  else
    redis.call('HSET', keys[1], 'to', args[2] .. 'm' .. struct.pack('>i6', tonumber(args[1])))
  end
  return 1
end)

-- An alias becomes a contact of its own; its past entries stay where they are.
tl.fn('detach', function(keys, args)
  local c = merge.contact(keys[1])
  if c.b or not c.to or c.to:sub(17, 17) ~= 'a' or c.to:sub(1, 16) ~= args[1] then
    return 0
  end
  local fields = {'b', args[2], 'v', 1}
  contact.identities(keys[1], args, 3, tonumber(args[2]), fields)
  redis.call('HDEL', keys[1], 'to')
  redis.call('HSET', keys[1], unpack(fields))
  return 1
end)

tl.fn('create', function(keys, args)
  local c = merge.contact(keys[1])
  if c.gone then
    return {'gone', '0'}
  elseif c.to then
    return {'moved', c.to:sub(1, 16)}
  elseif c.b then
    return {'known', c.v or '0'}
  end
  local fields = {'b', args[1], 'v', 1, 'p', args[2]}
  local _, verified = contact.identities(keys[1], args, 4, tonumber(args[1]), fields)
  if verified then
    fields[#fields + 1] = 'vf'
    fields[#fields + 1] = '1'
  end
  redis.call('HSET', keys[1], unpack(fields))
  contact.publish(keys[1], args[3])
  return {'ok', '1'}
end)

tl.fn('identify', function(keys, args)
  local fields = {}
  local changed, verified = contact.identities(keys[1], args, 3, tonumber(args[1]), fields)
  if not changed or redis.call('HEXISTS', keys[1], 'b') == 0 then
    return 0
  end
  if verified then
    fields[#fields + 1] = 'vf'
    fields[#fields + 1] = '1'
  end
  redis.call('HSET', keys[1], unpack(fields))
  redis.call('HINCRBY', keys[1], 'v', 1)
  contact.publish(keys[1], args[2])
  return 1
end)

tl.fn('patch', function(keys, args)
  local c = merge.contact(keys[1], 'pr')
  local no = merge.refuse(c, args[2], args[3])
  if no then
    return no
  end
  if tonumber(args[3]) > 0 and tonumber(c.pr or '0') >= tonumber(args[3]) then
    return {'known', c.v or '0'}
  end
  local rev = merge.rev(c.v, args[3])
  redis.call('HSET', keys[1], 'p', args[1], 'v', rev, 'pr', rev)
  contact.publish(keys[1], args[4])
  return {'ok', tostring(rev)}
end)

tl.fn('suggest', function(keys, args)
  if redis.call('HEXISTS', keys[1], 'x' .. args[1]) == 1 or redis.call('HEXISTS', keys[1], 'gone') == 1 then
    return 0
  end
  local n = redis.call('HINCRBY', keys[1], 'sn', 1)
  redis.call('HSET', keys[1], 's' .. n, args[2], 'x' .. args[1], n)
  contact.publish(keys[1], args[3])
  return n
end)

tl.fn('settle', function(keys, args)
  local json = redis.call('HGET', keys[1], 's' .. args[1])
  if json then
    redis.call('HDEL', keys[1], 's' .. args[1])
    contact.publish(keys[1], args[2])
  end
  return json
end)

tl.fn('conv', function(keys, args)
  local s = redis.call('HGET', keys[2], args[1])
  if not s then
    return {'none', '0'}
  end
  local v, rev, at = contact.conv_read(s), tonumber(args[5]), tonumber(args[6])
  if tonumber(args[4]) >= 0 and rev == 0 and tonumber(args[4]) ~= v.rev then
    return {'stale', tostring(v.rev)}
  end
  if args[2] ~= '' then
    contact.move(v, tonumber(args[2]), at)
  end
  if args[3] ~= '' and at >= v.owner_at then
    v.owner, v.owner_at = args[3] == '-' and '' or args[3], at
  end
  v.rev = math.max(v.rev + 1, rev)
  redis.call('HSET', keys[2], args[1], contact.conv(v))
  redis.call('HSET', keys[1], 'o',
    contact.open_list(redis.call('HGET', keys[1], 'o') or '', args[1], v.status ~= contact.RESOLVED))
  contact.publish(keys[1], args[7])
  return {'ok', tostring(v.rev)}
end)

-- ---- erasure ----

tl.oom('cut', function(keys, args)
  redis.call('ZREM', keys[1], unpack(args))
  redis.call('HDEL', keys[2], unpack(args))
  return 1
end)

-- A pointer set after the erasure leads to the person's next life and stays.
tl.oom('gone', function(keys, args)
  local c, at = merge.contact(keys[1]), tonumber(args[1])
  if c.gone and tonumber(c.gone) >= at then
    return 0
  end
  local next_life = c.to and not c.b and c.to:sub(17, 17) == 'a' and struct.unpack('>i6', c.to, 20) > at
  redis.call('DEL', unpack(keys))
  redis.call('HSET', keys[1], 'gone', args[1])
  if next_life then
    redis.call('HSET', keys[1], 'to', c.to)
  end
  contact.publish(keys[1], args[2])
  return 1
end)

-- ---- one merge at a time ----

tl.fn('lock', function(keys, args)
  if redis.call('GET', keys[1]) == args[1] then
    redis.call('PEXPIRE', keys[1], args[2])
    return 1
  end
  return redis.call('SET', keys[1], args[1], 'NX', 'PX', args[2]) and 1 or 0
end)

tl.fn('unlock', function(keys, args)
  return redis.call('GET', keys[1]) == args[1] and redis.call('DEL', keys[1]) or 0
end)
