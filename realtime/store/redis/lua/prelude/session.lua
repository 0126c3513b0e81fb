-- Reading and writing one session.

-- The rooms of a session as one text, and its user; nil if it has no rooms.
local function rooms_of(id)
  local text = call('GET', key('rooms', id))
  if text then return text:match('^([^\n]*)\n(.*)$') end
end

local function session_of(id)
  local flat = call('HGETALL', key('session', id))
  if #flat == 0 then return nil end
  local s = {id = id}
  for i = 1, #flat, 2 do s[flat[i]] = flat[i + 1] end
  if s.rooms then s.rooms = rooms_of(id) end
  return s
end

-- Sessions as scripts answer them: adds `about`.
local function records(sessions)
  local names = {}
  for i, s in ipairs(sessions) do names[i] = key('about', s.id) end
  local abouts = #names > 0 and call('MGET', unpack(names)) or {}
  for i, s in ipairs(sessions) do s.about = abouts[i] or '["",""]' end
  return sessions
end

local function record(s)
  return records({s})[1]
end

-- Sets fields, here and in the hash; '' deletes one.
local function save(s, changes)
  local hash, set, gone, sets = key('session', s.id), {}, {}, 0
  for name, value in pairs(changes) do
    if value == '' then
      if s[name] then gone[#gone + 1] = name end
      s[name] = nil
    else
      set[sets + 1], set[sets + 2] = name, value
      sets = sets + 2
      s[name] = value
    end
  end
  if gone[1] then call('HDEL', hash, unpack(gone)) end
  if sets > 0 then call('HSET', hash, unpack(set)) end
end

-- Replaces the rooms of a session that is in no index of rooms; nil keeps them.
local function save_rooms(s, rooms)
  if not rooms or rooms == (s.rooms or '') then return end
  if rooms == '' then
    call('DEL', key('rooms', s.id))
  else
    call('SET', key('rooms', s.id), rooms .. '\n' .. (s.user or ''))
  end
  save(s, {rooms = rooms ~= '' and '+' or ''})
  s.rooms = rooms ~= '' and rooms or nil
end

local function is_final(s)
  return tonumber(s.close_code or 0) >= input.final
end

-- When it last proved to be alive; a session never ends before it has begun.
local function latest_beat(s, idle_ms)
  return math.min(now, math.max(tonumber(s.last_beat), now - idle_ms))
end
