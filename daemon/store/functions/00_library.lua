#!lua name=tl2
-- The function library of Touchline: all files of this folder in the order of their names, one text.
--
-- Shared by all of them: the local table `tl`. Lua allows 200 locals a text, so a file puts its own
-- helpers into one table of its own (local contact = {}), not into many locals.
--
--   tl.fn(name, f)    registers tl2_NAME, which may write
--   tl.ro(name, f)    registers tl2_NAME for FCALL_RO, which writes nothing
--   tl.oom(name, f)   registers tl2_NAME, which may run while memory is full (it makes room)
--   tl.now()          Redis TIME in ms: leases and sessions know no other clock
--
-- f(keys, args) gets lists of strings; all keys of a call share one slot and are named in `keys`.
-- Changing what a function takes or answers makes the next library (tl3): two versions run side by
-- side on the same keys while daemons are replaced.

local tl = {}

function tl.fn(name, f)
  redis.register_function{function_name = 'tl2_' .. name, callback = f}
end

function tl.ro(name, f)
  redis.register_function{function_name = 'tl2_' .. name, callback = f, flags = {'no-writes'}}
end

function tl.oom(name, f)
  redis.register_function{function_name = 'tl2_' .. name, callback = f, flags = {'allow-oom'}}
end

function tl.now()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

