-- The states of a session, and the indexes that change with them.

-- Each takes sessions of one state, so that one command can serve all of them.
local on_enter, on_exit = {}, {}

local function add_all(place, score, sessions)
  local members = {}
  for i, s in ipairs(sessions) do members[2 * i - 1], members[2 * i] = score, s.id end
  call('ZADD', place, unpack(members))
end

function on_enter.connected(sessions)
  for _, s in ipairs(sessions) do
    call('ZADD', key('connected'), s.last_beat, s.id)
    call('HSET', key('held', s.worker), s.id, s.generation)
    if s.user then call('HINCRBY', key('users'), s.user, 1) end
    if tonumber(s.missed) > 0 then call('SADD', key('unstable'), s.id) end
    if s.close_code then
      call('ZADD', key('inbox', s.worker), is_final(s) and 0 or 1, s.id)
    end
    add_to_rooms(s)
  end
end

function on_exit.connected(sessions)
  call('ZREM', key('connected'), unpack(ids_of(sessions)))
  for_each_value('HDEL', 'held', 'worker', sessions)
  for _, s in ipairs(sessions) do
    if s.user and call('HINCRBY', key('users'), s.user, -1) < 1 then
      call('HDEL', key('users'), s.user)
    end
    if tonumber(s.missed) > 0 then call('SREM', key('unstable'), s.id) end
    if s.close_code then call('ZREM', key('inbox', s.worker), s.id) end
    remove_from_rooms(s)
  end
end

function on_enter.suspended(sessions, deadline)
  for _, s in ipairs(sessions) do
    call('ZADD', key('idle'), s.last_beat, s.id)
    call('ZADD', key('suspended'), is_final(s) and 0 or deadline, s.id)
  end
  add_all(key('since'), string.format('%.0f', now), sessions)
  for_each_value('SADD', 'lost', 'worker', sessions)
end

function on_exit.suspended(sessions)
  local ids = ids_of(sessions)
  call('ZREM', key('idle'), unpack(ids))
  call('ZREM', key('suspended'), unpack(ids))
  call('ZREM', key('since'), unpack(ids))
  for_each_value('SREM', 'lost', 'worker', sessions)
  for_each_value('ZREM', 'claims', 'claimant', sessions)
end

-- All have the same claimant.
function on_enter.closing(sessions, deadline)
  add_all(key('closing'), string.format('%.0f', deadline), sessions)
  add_all(key('since'), string.format('%.0f', now), sessions)
  add_all(key('claims', sessions[1].claimant), '0', sessions)
end

function on_exit.closing(sessions)
  local ids = ids_of(sessions)
  call('ZREM', key('closing'), unpack(ids))
  call('ZREM', key('since'), unpack(ids))
  for_each_value('ZREM', 'claims', 'claimant', sessions)
end

-- Every change of state: the sessions are in one state and all go to one; rooms as in save_rooms. The
-- first write deletes, which Redis allows even when its memory is full, so that ended sessions can be
-- cleared.
local function move_sessions(sessions, changes_of, deadline, rooms)
  if #sessions == 0 then return end
  local from = sessions[1].state
  on_exit[from](sessions)
  for _, s in ipairs(sessions) do
    correct_times(s)
    save(s, changes_of(s))
    save_rooms(s, rooms)
  end
  local to = sessions[1].state
  if to == 'closing' and from ~= 'closing' then unindex(sessions) end
  on_enter[to](sessions, deadline)
end

local function move(s, changes, deadline, rooms)
  move_sessions({s}, function() return changes end, deadline, rooms)
end
