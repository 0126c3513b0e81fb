-- Where a log ends.

local present, replid = history(input.epoch, call('INFO', 'replication'))

-- Whether a log is of the present history. A release before this one has noted Redis' own name.
local function is_present(begun, begun_in)
  return begun == present or not begun and begun_in == replid
end

-- What stands of a room's log; begun anew if there is none, or the end of it may be missing.
local function log_of(prefix)
  local log = {meta = prefix .. 'meta', list = prefix .. 'entries'}
  local epoch, top, size, begun, begun_in = unpack(
    call('HMGET', log.meta, 'epoch', 'top', 'size', 'begun', 'history'))
  if is_present(begun, begun_in) then
    log.epoch, log.top, log.size = epoch, tonumber(top), tonumber(size)
    return log
  end
  -- The first write takes something away, or is refused where the memory is full.
  if call('EXISTS', log.list) == 1 then call('DEL', log.list) end
  call('HSET', log.meta, 'epoch', input.epoch, 'top', 0, 'size', 0, 'begun', present,
    'history', replid)
  call('PEXPIRE', log.meta, input.meta_ttl_ms)
  log.epoch, log.top, log.size = input.epoch, 0, 0
  return log
end

-- Offsets have no holes, so the length of the list says where it begins.
local function oldest_of(log)
  return log.top - call('LLEN', log.list) + 1
end
