-- contact_visit.lua - what a part keeps of who came when about what: episodes are made of it (store/episode.c).
--
-- Further fields of {c_ID}:c
--   e   window(6), then the visits, the newest first: channel(1, +128: a conversation follows) from(6) length(4)
--       inbound(2) touchpoints(2) subject(4) order(4) first(16) [conversation(16)]; '' once nobody keeps episodes
--   ea  who accepted or replied last, by conversation: at(6) conversation(16) length(1) agent
--
-- A set of times, so the order in which entries come makes no difference; pieces of one talk in writing are one visit.
-- Kept are the newest ones of 30 days, for a look must stay cheap.

contact.PIECES = {social = true, chat = true, sms = true, web = true}
contact.PIECE_MS, contact.VISIT_MS, contact.VISITS_MAX, contact.MARKS_MAX = 900000, 2592000000, 48, 8

function contact.visits_read(s)
  local out, at = {}, 7
  while at <= #s do
    local v, channel = {}
    channel, v.from, v.long, v.inbound, v.all, v.about, v.first, at = struct.unpack('>Bi6I4I2I2c8c16', s, at)
    v.channel, v.conv = channel % 128, v.first
    if channel >= 128 then
      v.conv, at = s:sub(at, at + 15), at + 16
    end
    v.to = v.from + v.long
    out[#out + 1] = v
  end
  return out
end

function contact.visits(window, list)
  local out = {struct.pack('>i6', window)}
  for _, v in ipairs(list) do
    out[#out + 1] = struct.pack('>Bi6I4I2I2c8c16', v.channel + (v.conv ~= v.first and 128 or 0), v.from, v.to - v.from,
      math.min(v.inbound, 65535), math.min(v.all, 65535), v.about, v.first) .. (v.conv ~= v.first and v.conv or '')
  end
  return table.concat(out)
end

function contact.earlier(a, b)
  return a.from < b.from or a.from == b.from and a.first < b.first
end

-- Into the list; what it is a piece of, or what it joins, becomes one with it.
function contact.visit_add(list, v, pieces)
  local out = {v}
  for _, old in ipairs(list) do
    if pieces and old.channel == v.channel and old.conv == v.conv and old.from <= v.to + contact.PIECE_MS and
      v.from <= old.to + contact.PIECE_MS then
      if contact.earlier(old, v) then
        v.first, v.about = old.first, old.about
      end
      v.from, v.to = math.min(v.from, old.from), math.max(v.to, old.to)
      v.inbound, v.all = v.inbound + old.inbound, v.all + old.all
    else
      out[#out + 1] = old
    end
  end
  table.sort(out, function(a, b) return contact.earlier(b, a) end)
  while #out > contact.VISITS_MAX or out[#out].to < out[1].from - contact.VISIT_MS do
    out[#out] = nil
  end
  return out
end

-- One mark a conversation, the newest, in whatever order they come.
function contact.marks(s, conv, agent, at)
  local list, pos = {{at = at, conv = conv, agent = agent:sub(1, 255)}}, 1
  while pos <= #s do
    local m = {}
    m.at, m.conv, m.agent, pos = struct.unpack('>i6c16Bc0', s, pos)
    if m.conv ~= conv then
      list[#list + 1] = m
    elseif m.at > at or m.at == at and m.agent > list[1].agent then
      list[1] = m
    end
  end
  table.sort(list, function(a, b) return a.at > b.at or a.at == b.at and a.conv > b.conv end)
  local out = {}
  for i = 1, math.min(#list, contact.MARKS_MAX) do
    local m = list[i]
    out[i] = struct.pack('>i6c16Bc0', m.at, m.conv, #m.agent, m.agent)
  end
  return table.concat(out)
end

-- What an entry adds. c.e, c.ea: the fields; note: window(6) subject(4) order(4) agent, as the caller of tl2_append
-- gives it; nil: by a daemon that knows nothing of it.
function contact.remember(args, c, conv, flags, note, set)
  if not note then
    return
  end
  local window = struct.unpack('>i6', note)
  if window == 0 then
    if c.e and c.e ~= '' then
      set('e', '')
      set('ea', '')
    end
    return
  end
  if contact.has(flags, contact.NOTE) or contact.has(flags, contact.AUTO) then
    return
  end
  local at = math.min(tonumber(args[2]), tonumber(args[3])) -- what says that it comes tomorrow came today
  local v = {channel = contact.channel_at[args[6]] or 11, from = at, to = at, all = 1, about = note:sub(7, 14),
    inbound = contact.has(flags, contact.INBOUND) and 1 or 0, first = args[1], conv = conv}
  set('e', contact.visits(window, contact.visit_add(contact.visits_read(c.e or ''), v, contact.PIECES[args[6]])))
  if v.inbound == 0 and #note > 14 then
    set('ea', contact.marks(c.ea or '', conv, note:sub(15), at))
  end
end

-- Fields that an agent's work on a conversation changes; c: a, e, ea at 2, 3, 4.
function contact.served(c, conv, agent, at)
  local fields = {}
  if agent ~= '' and at >= (tonumber((c[2] or ''):match(' (%d+)$')) or 0) then
    fields = {'a', agent .. ' ' .. string.format('%.0f', at)}
  end
  if agent ~= '' and (c[3] or '') ~= '' then
    fields[#fields + 1] = 'ea'
    fields[#fields + 1] = contact.marks(c[4] or '', conv, agent, at)
  end
  return fields
end

-- The answer of a look, with both fields at its end; c: of its HMGET.
function contact.visited(reply, c)
  reply[#reply + 1] = c[11] or ''
  reply[#reply + 1] = c[12] or ''
  return reply
end
