-- The history of the data: a log or registry from another history may lack its end.
--
-- history   hash: name, and of the server that has it: run_id, replid; seen (when a worker last
--           beat)
--
-- Another history begins when data may be lost: with another process of Redis, and with a replica that
-- takes over, also one that was the master before. It continues when only the name of the replication
-- stream changes (replid): when the first replica attaches (`redis-cli --rdb` counts as one), or after
-- an hour without any. In both cases Redis clears the name before (replid2); a replica that takes over
-- keeps it.

local NO_REPLID = string.rep('0', 40)

-- Redis clears replid2 an hour after the last replica has gone, by default. If no worker beat for this
-- long, there may have been one meanwhile.
local MAX_UNSEEN_MS = 600000

local function is_same_history(info, server, known)
  return known.name and known.run_id == server and info:match('role:(%w+)') == 'master'
    and info:match('master_replid2:(%w+)') == NO_REPLID
    and math.abs(now - tonumber(known.seen)) < MAX_UNSEEN_MS -- the clock may have been set back
end

-- Returns the name of the present history, and replid. token is a random text that names another
-- history if it begins now; info is the section "replication" of INFO.
local function history(token, info)
  local replid = info:match('master_replid:(%w+)')
  if not replid then error('this Redis does not tell its replication id') end
  local known = {}
  known.name, known.run_id, known.replid, known.seen = unpack(
    call('HMGET', key('history'), 'name', 'run_id', 'replid', 'seen'))
  if known.replid == replid then return known.name, replid end
  local server = call('INFO', 'server'):match('run_id:(%w+)')
  if not is_same_history(info, server, known) then known.name = token end
  call('DEL', key('nothing')) -- Redis refuses no first write that deletes, even when full
  call('HSET', key('history'), 'name', known.name, 'run_id', server, 'replid', replid,
    'seen', string.format('%.0f', now))
  return known.name, replid
end
