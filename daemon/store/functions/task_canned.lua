-- task_canned.lua - canned answers.
--
-- {r}:canned  hash, id -> {rev, json}: as its last writer put it, without rev; json '' was deleted, and keeps its rev so
--             that an older record does not bring it back
--
--   tl2_canned_put   id mode if_rev rev json -> {code ok|known|none|stale|full, rev}              canned.c
--       mode new, put or drop; or again, a record with its rev. if_rev -1: any
--   tl2_canned       id -> {json, rev} or {}                                                     canned.c
--   tl2_canned_list  after limit -> {more '1' or '0', id, json, rev, …}, by id                   canned.c

task.CANNED_MAX = 5000

function task.canned(r, id)
  local s = redis.call('HGET', r .. ':canned', id)
  return s and cmsgpack.unpack(s)
end

tl.fn('canned_put', function(keys, args)
  local r, id, mode, if_rev, rev, json = keys[1], args[1], args[2], tonumber(args[3]), tonumber(args[4]), args[5]
  local old = task.canned(r, id)
  local had = old and old.rev or 0
  if mode == 'again' then
    if rev <= had then
      return {'known', had}
    end
  elseif mode ~= 'new' and (not old or old.json == '') then
    return {'none', had}
  elseif if_rev >= 0 and if_rev ~= had then
    return {'stale', had}
  elseif mode == 'new' and redis.call('HLEN', r .. ':canned') >= task.CANNED_MAX then
    return {'full', had}
  else
    rev = had + 1
  end
  redis.call('HSET', r .. ':canned', id, cmsgpack.pack({rev = rev, json = json}))
  return {'ok', rev}
end)

tl.ro('canned', function(keys, args)
  local a = task.canned(keys[1], args[1])
  return a and a.json ~= '' and {a.json, a.rev} or {}
end)

tl.ro('canned_list', function(keys, args)
  local after, limit, out = args[1], tonumber(args[2]), {'0'}
  local ids = redis.call('HKEYS', keys[1] .. ':canned')
  table.sort(ids)
  for _, id in ipairs(ids) do
    local a = id > after and task.canned(keys[1], id)
    if a and a.json ~= '' then
      if #out > 3 * limit then
        out[1] = '1'
        break
      end
      local n = #out
      out[n + 1], out[n + 2], out[n + 3] = id, a.json, a.rev
    end
  end
  return out
end)
