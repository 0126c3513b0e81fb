-- The presence of rooms: sessions, connected or suspended, whose user is described there. Suspending
-- and reattaching one leaves it as it is; `unindex` ends it.

-- A user's sessions stand side by side; of no other user's is the beginning the same.
local function beginning_of(user)
  return #user .. ':' .. user .. ':'
end

local function note_presence(room)
  if call('EXISTS', key('here', room)) == 0 then
    call('HDEL', key('here_versions'), room)
  else
    local version = call('HINCRBY', key('registry'), 'presences', 1)
    call('HSET', key('here_versions'), room, version)
  end
end

-- The descriptions of a session by room, its user, and how many they are.
local function presence_of(id)
  local flat = call('HGETALL', key('described', id))
  local descriptions, user, count = {}, '', 0
  for i = 1, #flat, 2 do
    if flat[i] == '' then
      user = flat[i + 1]
    else
      descriptions[flat[i]] = flat[i + 1]
      count = count + 1
    end
  end
  return descriptions, user, count
end

local function clear_presence(id)
  local descriptions, user = presence_of(id)
  call('DEL', key('described', id))
  for room in pairs(descriptions) do
    local users = key('here_users', room)
    local was_here = call('ZREM', key('here', room), beginning_of(user) .. id) == 1
    if was_here and user ~= '' and call('HINCRBY', users, user, -1) < 1 then
      call('HDEL', users, user)
    end
    note_presence(room)
  end
end

local function is_described(id, wanted)
  local known, _, count = presence_of(id)
  for room, description in pairs(wanted) do
    if known[room] ~= description then return false end
    count = count - 1
  end
  return count == 0
end

-- Replaces where a session is present; nil keeps it.
local function save_presence(s, descriptions)
  if not descriptions or is_described(s.id, descriptions) then return end
  clear_presence(s.id)
  local user, set = s.user or '', {}
  for room, description in pairs(descriptions) do
    set[#set + 1] = room
    set[#set + 1] = description
    call('ZADD', key('here', room), 0, beginning_of(user) .. s.id)
    if user ~= '' then call('HINCRBY', key('here_users', room), user, 1) end
    note_presence(room)
  end
  if set[1] then call('HSET', key('described', s.id), '', user, unpack(set)) end
end
