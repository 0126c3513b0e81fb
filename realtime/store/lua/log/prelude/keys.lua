-- Stands in front of every script of the message log: the clock, and where a log ends.
--
-- KEYS     for each room, or draft, what the names of its keys begin with, such as
--          "{realtime}:log:chat/"
-- ARGV[1]  one msgpack map: what the script's own header says, and for all of them epoch (the
--          name of what begins anew), meta_ttl_ms and offset_ms (0 but in tests)
-- answers  one msgpack value
--
-- The keys; all of them expire.
--
-- meta       hash: epoch, top (the newest offset), size (bytes of all data), history (see below)
-- entries    list: what is kept, oldest first, each "<time> <data>"
-- key:<key>  text: where a draft with this key was put, "<epoch> <offset> <time>"

local call = redis.call
local input = cmsgpack.unpack(ARGV[1])

-- Names one history of a server's data: another one begins whenever a server starts, and when it
-- takes the place of another, even if it has had that place before. What was begun in another
-- history may lack its end.
local history = call('INFO', 'replication'):match('master_replid:(%w+)')
if not history then error('this Redis does not tell its replication id') end

-- What stands of a room's log; begun anew if there is none, or the end of it may be missing.
local function log_of(prefix)
  local log = {meta = prefix .. 'meta', list = prefix .. 'entries'}
  local epoch, top, size, begun_in = unpack(
    call('HMGET', log.meta, 'epoch', 'top', 'size', 'history'))
  if begun_in == history then
    log.epoch, log.top, log.size = epoch, tonumber(top), tonumber(size)
    return log
  end
  -- The first write takes something away, or is refused where the memory is full.
  if call('EXISTS', log.list) == 1 then call('DEL', log.list) end
  call('HSET', log.meta, 'epoch', input.epoch, 'top', 0, 'size', 0, 'history', history)
  call('PEXPIRE', log.meta, input.meta_ttl_ms)
  log.epoch, log.top, log.size = input.epoch, 0, 0
  return log
end

-- Offsets have no holes, so the length of the list says where it begins.
local function oldest_of(log)
  return log.top - call('LLEN', log.list) + 1
end

