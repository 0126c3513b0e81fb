-- The end of a log.

local present, replid = history(input.epoch, call('INFO', 'replication'))

-- Whether a log belongs to the present history. An older release recorded only the replid.
local function is_present(begun, begun_in)
  return begun == present or not begun and begun_in == replid
end

-- All rooms without publications share one position, without keys of their own: the base's epoch and
-- offset 0. A room's first log continues from there and sets marks, so that a later log of the room,
-- after this one expired or was deleted, does not begin there again, but in an epoch of its own. The
-- marks also match a few other rooms by chance, at most one in a hundred; their first logs begin in an
-- epoch of their own, too.
local BITS, MARKS = 4194304, 3
local MAX_MARKED = 250000

local base -- {name, count of logs that began there}

local function base_of_now()
  if base then return base end
  local place, marks = key('log:/base'), key('log:/marks')
  local name, begun, count = unpack(call('HMGET', place, 'name', 'begun', 'count'))
  count = tonumber(count or 0)
  local is_whole = count == 0 or call('EXISTS', marks) == 1
  if begun ~= present or count >= MAX_MARKED or not is_whole then
    name, count = input.epoch, 0
    call('DEL', marks, key('nothing')) -- not refused when full
    call('HSET', place, 'name', name, 'begun', present, 'count', 0)
  end
  base = {name = name, count = count}
  return base
end

-- The arguments of a command for the marks of a room; "#" becomes the bit.
local function marks_of(prefix, ...)
  local hash, arguments = redis.sha1hex(prefix), {}
  for i = 1, MARKS do
    local bit = tonumber(hash:sub(8 * i - 7, 8 * i), 16) % BITS
    for _, word in ipairs({...}) do arguments[#arguments + 1] = word == '#' and bit or word end
  end
  return key('log:/marks'), unpack(arguments)
end

local function is_marked(prefix)
  if base_of_now().count == 0 then return false end
  for _, bit in ipairs(call('BITFIELD_RO', marks_of(prefix, 'GET', 'u1', '#'))) do
    if bit == 0 then return false end
  end
  return true
end

local function mark(prefix)
  call('BITFIELD', marks_of(prefix, 'SET', 'u1', '#', 1))
  base.count = base.count + 1
  call('HSET', key('log:/base'), 'count', base.count)
end

-- Writes that a log has begun, over one of another history.
local function begin(log)
  -- When the memory is full, Redis refuses this, unless the first write deletes.
  if call('EXISTS', log.list) == 1 then call('DEL', log.list) end
  call('HSET', log.meta, 'epoch', log.epoch, 'top', 0, 'size', 0, 'begun', present,
    'history', replid)
  call('PEXPIRE', log.meta, input.meta_ttl_ms)
end

-- Whether something of this time, which is further in the future than kept_ms, has expired: a wrong
-- clock wrote it, and its age counts from when a worker noticed that the clock was set back. All else
-- Redis expires by itself.
local function is_over(at, kept_ms)
  if at <= now + kept_ms then return false end
  local noticed, ahead = unpack(call('HMGET', key('registry'), 'set_back_at', 'set_back_from'))
  return noticed and tonumber(noticed) <= now - kept_ms and at <= tonumber(ahead) + kept_ms
end

-- A room's log. One that is_new has not begun and has no keys; with `begins` it begins now. With
-- `reads` none begins, also where an earlier log has expired.
local function log_of(prefix, begins, reads)
  local log = {meta = prefix .. 'meta', list = prefix .. 'entries', top = 0, size = 0}
  local epoch, top, size, begun, begun_in, at = unpack(
    call('HMGET', log.meta, 'epoch', 'top', 'size', 'begun', 'history', 'at'))
  if is_present(begun, begun_in) then
    log.epoch, log.top, log.size = epoch, tonumber(top), tonumber(size)
    if is_over(tonumber(at) or 0, input.ttl_ms) then call('DEL', log.list) end
    return log
  end
  if is_marked(prefix) then
    log.epoch, log.is_new = input.epoch, reads
    if not reads then begin(log) end
  else
    log.epoch, log.is_new = base_of_now().name, not begins
    if begins then
      begin(log)
      mark(prefix)
    end
  end
  return log
end

-- Offsets have no holes, so the length of the list says where it begins.
local function oldest_of(log)
  return log.is_new and 1 or log.top - call('LLEN', log.list) + 1
end
