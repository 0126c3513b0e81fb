-- The indexes of a session that do not depend on its state, and those of its rooms.

local INDEXED = {'user', 'address', 'login'}

local function index(s)
  call('ZADD', key('started'), s.opened_at, s.id)
  call('ZADD', key('ids'), 0, s.id)
  for _, name in ipairs(INDEXED) do
    if s[name] then call('ZADD', key(name, s[name]), s.opened_at, s.id) end
  end
end

-- Whether its suspension or claim began in the future, and so is over.
local function began_ahead(s)
  return (tonumber(call('ZSCORE', key('since'), s.id)) or 0) > latest_plausible
end

-- Moves times in the future back, by as much as the last of them, so that the spans between them stay.
local function correct_times(s)
  local ahead = tonumber(s.last_beat) - now
  if ahead <= 0 then return end
  local changes, began = {last_beat = now}, tonumber(s.opened_at)
  for _, name in ipairs({'opened_at', 'connected_at'}) do
    local at = tonumber(s[name])
    if at > now then changes[name] = at - ahead end
  end
  save(s, changes)
  if began <= now then return end
  call('ZADD', key('started'), 'XX', s.opened_at, s.id)
  for _, name in ipairs(INDEXED) do
    if s[name] then call('ZADD', key(name, s[name]), 'XX', s.opened_at, s.id) end
  end
  for room in (s.rooms or ''):gmatch('%S+') do
    call('ZADD', key('room', room), 'XX', s.opened_at, s.id)
  end
end

local function ids_of(sessions)
  local ids = {}
  for i, s in ipairs(sessions) do ids[i] = s.id end
  return ids
end

-- Runs a command for each value that the sessions have in a field, about all that have it.
local function for_each_value(command, name, field, sessions)
  local ids = {}
  for _, s in ipairs(sessions) do
    local value = s[field]
    if value then
      if ids[value] then table.insert(ids[value], s.id) else ids[value] = {s.id} end
    end
  end
  for value, those in pairs(ids) do call(command, key(name, value), unpack(those)) end
end

local function unindex(sessions)
  local ids = ids_of(sessions)
  call('ZREM', key('started'), unpack(ids))
  call('ZREM', key('ids'), unpack(ids))
  for _, name in ipairs(INDEXED) do for_each_value('ZREM', name, name, sessions) end
  for _, id in ipairs(ids) do clear_presence(id) end
end

local function add_to_rooms(s)
  for room in (s.rooms or ''):gmatch('%S+') do
    local is_new = call('ZADD', key('room', room), s.opened_at, s.id) == 1
    if is_new and s.user then call('HINCRBY', key('present', room), s.user, 1) end
  end
end

local function remove_from_rooms(s)
  for room in (s.rooms or ''):gmatch('%S+') do
    local place, present = key('room', room), key('present', room)
    if call('ZREM', place, s.id) == 1 then
      if s.user and call('HINCRBY', present, s.user, -1) < 1 then call('HDEL', present, s.user) end
    elseif call('EXISTS', place) == 0 then
      call('DEL', present)
    end
  end
end

local REMOVE = {set = 'SREM', hash = 'HDEL'}

local function remove_from_index(id, place)
  call(REMOVE[call('TYPE', place).ok] or 'ZREM', place, id)
end

-- The session that an index names. If its hash is gone, because Redis evicted it or it was deleted by
-- hand, removes the rest of it, so that no call finds it again.
local function session_in_index(id, place)
  local s = session_of(id)
  if s then return s end
  for _, name in ipairs({'started', 'ids', 'connected', 'idle', 'suspended', 'closing', 'since'}) do
    call('ZREM', key(name), id)
  end
  call('SREM', key('unstable'), id)
  local rooms, user = rooms_of(id)
  if rooms then remove_from_rooms({id = id, rooms = rooms, user = user ~= '' and user or nil}) end
  clear_presence(id)
  call('DEL', key('about', id), key('rooms', id))
  remove_from_index(id, place)
end
