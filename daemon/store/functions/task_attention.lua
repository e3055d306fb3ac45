-- task_attention.lua - who looks at a contact's conversations, or writes in one, right now.
--
-- {c_ID}:l  hash, agent -> {state, conv, till (Redis TIME)}; gone by itself when nobody renews it
--
--   tl2_attention_put  :l | agent state conversation ttl -> {json of what he does, json list of the others}    attention.c
--   tl2_attention      :l | agent -> json list of the others                                                    attention.c
--       state '' looks away. Told on the contact's channel as {"attention": …}, see contact.publish.

function task.attention_json(agent, a)
  return table.concat({'{"agent":', task.text(agent), ',"conversation":', task.text(a.conv), ',"state":',
    task.text(a.state), ',"expires_at":', task.time(a.till), '}'})
end

function task.attention_others(key, agent, now)
  local out, all = {}, redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local a = cmsgpack.unpack(all[i + 1])
    if all[i] ~= agent and a.till > now then
      out[#out + 1] = task.attention_json(all[i], a)
    end
  end
  return '[' .. table.concat(out, ',') .. ']'
end

tl.fn('attention_put', function(keys, args)
  local key, agent, now, ttl = keys[1], args[1], tl.now(), tonumber(args[4])
  local a = {state = args[2], conv = args[3], till = args[2] ~= '' and now + ttl or 0}
  local had = redis.call('HDEL', key, agent) == 1
  if a.state ~= '' then
    redis.call('HSET', key, agent, cmsgpack.pack(a))
    redis.call('PEXPIRE', key, ttl)
  end
  local json = task.attention_json(agent, a)
  if had or a.state ~= '' then
    contact.publish(key, '{"attention":' .. json .. '}')
  end
  return {json, task.attention_others(key, agent, now)}
end)

tl.ro('attention', function(keys, args)
  return task.attention_others(keys[1], args[1], tl.now())
end)
