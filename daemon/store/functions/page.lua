-- page.lua - entries of one part, newest first; reads only. After contact.lua, whose heads of bodies it decodes.
--
--   tl2_page  :t :b | max min before limit scan channel conversation bytes -> {more, ms, id, (id ms record)...}  page.c
--
-- before: id at `max` from which on older ones follow ('' none); channel 0 any; conversation '' any. more: '1' where
-- it stopped at ms, id before its end (limit, scan or bytes reached).

tl.ro('page', function(keys, args)
  local max, min, before = tonumber(args[1]), args[2], args[3]
  local limit, scan, channel = tonumber(args[4]), tonumber(args[5]), tonumber(args[6])
  local conv, bytes = args[7], tonumber(args[8])
  local out, found, seen, offset = {'0', '', ''}, 0, 0, 0
  local top = args[1]
  while found < limit and seen < scan do
    local chunk = redis.call('ZRANGE', keys[1], top, min, 'BYSCORE', 'REV', 'LIMIT', offset, math.min(200, limit * 2),
      'WITHSCORES')
    if #chunk == 0 then
      return out
    end
    for i = 1, #chunk, 2 do
      local id, at = chunk[i], chunk[i + 1]
      offset = offset + 1
      if before == '' or tonumber(at) < max or id < before then
        seen = seen + 1
        out[2], out[3] = at, id
        local record = redis.call('HGET', keys[2], id)
        local head = record and contact.body_read(id, record)
        if head and (channel == 0 or head.channel == channel) and (conv == '' or head.conv == conv) then
          out[#out + 1] = id
          out[#out + 1] = at
          out[#out + 1] = record
          found, bytes = found + 1, bytes - #record
        end
        if found == limit or seen == scan or bytes <= 0 then
          out[1] = '1'
          return out
        end
      end
    end
  end
  return out
end)
