-- A session's state, and all that changes with it.

-- For sessions of one state: what a single command can do for all of them is done by one.
local enter, leave = {}, {}

local function enter_all(place, score, sessions)
  local members = {}
  for i, s in ipairs(sessions) do members[2 * i - 1], members[2 * i] = score, s.id end
  call('ZADD', place, unpack(members))
end

function enter.connected(sessions)
  for _, s in ipairs(sessions) do
    call('ZADD', key('connected'), s.last_beat, s.id)
    call('HSET', key('held', s.worker), s.id, s.generation)
    if s.user then call('HINCRBY', key('users'), s.user, 1) end
    if tonumber(s.missed) > 0 then call('SADD', key('unstable'), s.id) end
    if s.close_code then
      call('ZADD', key('inbox', s.worker), is_final(s) and 0 or 1, s.id)
    end
    come_into(s)
  end
end

function leave.connected(sessions)
  call('ZREM', key('connected'), unpack(ids_of(sessions)))
  for_each('HDEL', 'held', 'worker', sessions)
  for _, s in ipairs(sessions) do
    if s.user and call('HINCRBY', key('users'), s.user, -1) < 1 then
      call('HDEL', key('users'), s.user)
    end
    if tonumber(s.missed) > 0 then call('SREM', key('unstable'), s.id) end
    if s.close_code then call('ZREM', key('inbox', s.worker), s.id) end
    go_out(s)
  end
end

function enter.suspended(sessions, deadline)
  for _, s in ipairs(sessions) do
    call('ZADD', key('idle'), s.last_beat, s.id)
    call('ZADD', key('suspended'), is_final(s) and 0 or deadline, s.id)
  end
  enter_all(key('since'), string.format('%.0f', now), sessions)
  for_each('SADD', 'lost', 'worker', sessions)
end

function leave.suspended(sessions)
  local ids = ids_of(sessions)
  call('ZREM', key('idle'), unpack(ids))
  call('ZREM', key('suspended'), unpack(ids))
  call('ZREM', key('since'), unpack(ids))
  for_each('SREM', 'lost', 'worker', sessions)
  for_each('ZREM', 'claims', 'claimant', sessions)
end

-- All of one claimant.
function enter.closing(sessions, deadline)
  enter_all(key('closing'), string.format('%.0f', deadline), sessions)
  enter_all(key('since'), string.format('%.0f', now), sessions)
  enter_all(key('claims', sessions[1].claimant), '0', sessions)
end

function leave.closing(sessions)
  local ids = ids_of(sessions)
  call('ZREM', key('closing'), unpack(ids))
  call('ZREM', key('since'), unpack(ids))
  for_each('ZREM', 'claims', 'claimant', sessions)
end

-- Every change of state, of sessions that are in one and go to one; rooms as in save_rooms. The
-- first write takes something away, which Redis allows even when its memory is full: so what has
-- ended can be cleared.
local function move_all(sessions, changes_of, deadline, rooms)
  if #sessions == 0 then return end
  local from = sessions[1].state
  leave[from](sessions)
  for _, s in ipairs(sessions) do
    set_right(s)
    save(s, changes_of(s))
    save_rooms(s, rooms)
  end
  local to = sessions[1].state
  if to == 'closing' and from ~= 'closing' then unindex(sessions) end
  enter[to](sessions, deadline)
end

local function move(s, changes, deadline, rooms)
  move_all({s}, function() return changes end, deadline, rooms)
end
