-- Which history of the data this is: what was begun in another may lack its end.
--
-- history   hash: name, and of the server that has it: run_id, replid; seen (when a worker last
--           beat)
--
-- Another history begins where the end of something may be missing: with another process of
-- Redis, and with a copy that takes over, also one that had the place before. It goes on through
-- what only gives the stream to copies another name (replid): the first copy that attaches, and
-- `redis-cli --rdb` is one to Redis, or an hour without any. In both of these Redis clears the name
-- that it had before (replid2), which it keeps when it takes over.

local NOBODY = string.rep('0', 40)

-- A name that was kept (replid2) is cleared an hour after the last copy has gone, by default. Who
-- was not seen for this long, in ms, may have missed that it was there.
local UNSEEN = 600000

local function goes_on(info, server, known)
  return known.name and known.run_id == server and info:match('role:(%w+)') == 'master'
    and info:match('master_replid2:(%w+)') == NOBODY
    and math.abs(now - tonumber(known.seen)) < UNSEEN -- the clock may have been set back
end

-- The present history's name; token is a random text that names the next one if it begins now. info
-- is what Redis says of replication.
local function history(token, info)
  local replid = info:match('master_replid:(%w+)')
  if not replid then error('this Redis does not tell its replication id') end
  local known = {}
  known.name, known.run_id, known.replid, known.seen = unpack(
    call('HMGET', key('history'), 'name', 'run_id', 'replid', 'seen'))
  if known.replid == replid then return known.name, replid end
  local server = call('INFO', 'server'):match('run_id:(%w+)')
  if not goes_on(info, server, known) then known.name = token end
  call('DEL', key('nothing')) -- a first write that takes something away: not refused when full
  call('HSET', key('history'), 'name', known.name, 'run_id', server, 'replid', replid,
    'seen', string.format('%.0f', now))
  return known.name, replid
end
