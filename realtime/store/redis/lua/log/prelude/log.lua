-- Where a log ends.

local present, replid = history(input.epoch, call('INFO', 'replication'))

-- Whether a log is of the present history. A release before this one has noted Redis' own name.
local function is_present(begun, begun_in)
  return begun == present or not begun and begun_in == replid
end

-- Rooms that nothing was published to have one position in common, and cost nothing: the base, and
-- offset 0. A room's first log goes on from there. It leaves marks, so that another log of the room,
-- when this one has been forgotten or was taken away, does not begin there again. So do, by
-- chance, the first logs of a few other rooms, at most one in a hundred: they begin in an epoch of
-- their own, as all do after a room's first.
local BITS, MARKS = 4194304, 3
local MOST_MARKED = 250000

local base -- name, and how many logs have begun there

local function base_of_now()
  if base then return base end
  local place, marks = key('log:/base'), key('log:/marks')
  local name, begun, count = unpack(call('HMGET', place, 'name', 'begun', 'count'))
  count = tonumber(count or 0)
  local is_whole = count == 0 or call('EXISTS', marks) == 1
  if begun ~= present or count >= MOST_MARKED or not is_whole then
    name, count = input.epoch, 0
    call('DEL', marks, key('nothing')) -- not refused when full
    call('HSET', place, 'name', name, 'begun', present, 'count', 0)
  end
  base = {name = name, count = count}
  return base
end

-- The arguments of a command about the marks of a room.
local function marks_of(prefix, ...)
  local hash, asked = redis.sha1hex(prefix), {}
  for i = 1, MARKS do
    local bit = tonumber(hash:sub(8 * i - 7, 8 * i), 16) % BITS
    for _, word in ipairs({...}) do asked[#asked + 1] = word == '#' and bit or word end
  end
  return key('log:/marks'), unpack(asked)
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

-- Write that a log has begun, in place of what there may be of another history.
local function begin(log)
  -- The first write takes something away, or is refused where the memory is full.
  if call('EXISTS', log.list) == 1 then call('DEL', log.list) end
  call('HSET', log.meta, 'epoch', log.epoch, 'top', 0, 'size', 0, 'begun', present,
    'history', replid)
  call('PEXPIRE', log.meta, input.meta_ttl_ms)
end

-- Whether what is from then lies further ahead than it is kept, by a clock that was wrong, and is
-- over: it counts from when a worker noticed that the clock was set back. Whatever does not lie ahead
-- is taken away by Redis itself.
local function is_over(at, kept_ms)
  if at <= now + kept_ms then return false end
  local noticed, ahead = unpack(call('HMGET', key('registry'), 'set_back_at', 'set_back_from'))
  return noticed and tonumber(noticed) <= now - kept_ms and at <= tonumber(ahead) + kept_ms
end

-- What stands of a room's log. One that is_new has not begun, and there is nothing of it; with
-- begins it does.
local function log_of(prefix, begins)
  local log = {meta = prefix .. 'meta', list = prefix .. 'entries', top = 0, size = 0}
  local epoch, top, size, begun, begun_in, at = unpack(
    call('HMGET', log.meta, 'epoch', 'top', 'size', 'begun', 'history', 'at'))
  if is_present(begun, begun_in) then
    log.epoch, log.top, log.size = epoch, tonumber(top), tonumber(size)
    if is_over(tonumber(at) or 0, input.ttl_ms) then call('DEL', log.list) end
    return log
  end
  if is_marked(prefix) then
    log.epoch = input.epoch
    begin(log)
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
