-- Stands in front of every script: the keys, the clock, and how a session changes its state.
--
-- KEYS[1]  the prefix of all keys with its hash tag, such as "{realtime}:"
-- ARGV[1]  one msgpack map: what the script's own header says, and for all of them lease_ms,
--          resume_ms, session_ms, claim_ms, offset_ms (0 but in tests), final and batch
-- answers  one msgpack value
--
-- The keys; sorted sets where nothing else is said, each with what it is sorted by.
--
-- session:<id>        hash: what stands of a session; what would be empty is left out
-- about:<id>          text: the rest of its peer, as JSON that no script looks into
-- rooms:<id>          text: its rooms with spaces between them, a line's end, and its user; only
--                     if there are any, which the hash says
-- started, ids        all that are connected or suspended: by start, by name
-- user:<u>, address:<a>, login:<l>    those of one: by start
-- room:<r>            connected and in it: by start
-- present:<r>         hash: how many of those each user has
-- connected, idle     the connected, the suspended: by last beat
-- suspended           the same: by the end of the resume window; 0 if asked to end for good
-- closing             by the end of the claim
-- held:<worker>       hash: connected there, and the generation of each
-- lost:<worker>       set: suspended, but it may take them up again
-- inbox:<worker>      connected there and asked to close: 0 for good, 1 otherwise
-- claims:<claimant>   closing, claimed by it; suspended, when this worker left: by name
-- users               hash: how many connected sessions each user has
-- unstable            set: connected with misses
-- workers             those not known to be lost: by the end of the lease
-- lost_workers        the others, and those that left: by the end of the lease
-- worker:<id>         hash: its report; of a lost one, only what it had counted
-- connections         hash: how many each of the workers has
-- registry            hash: totals of all time, and the last sweep
-- samples             by their time
-- incarnation         text: names this content

local call = redis.call
local prefix, put_together = KEYS[1], {}
local input = cmsgpack.unpack(ARGV[1])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + input.offset_ms
-- Who beat last before this is no longer believed to be connected.
local silent = now - input.session_ms - input.lease_ms

-- A key's name; what a script asks for again and again is put together once.
local function key(name, of)
  if of then return prefix .. name .. ':' .. of end
  local known = put_together[name] or prefix .. name
  put_together[name] = known
  return known
end

local function answer(value)
  return cmsgpack.pack(value)
end

-- Redis refuses a script's first write where its memory is full, unless it takes something
-- away, and no later one. Called first by those that hardly need more than there is.
local function go_on_when_full()
  call('DEL', key('nothing'))
end

-- Written out in full: Lua itself would round what is longer than 14 digits.
local function below(score)
  return '(' .. string.format('%.0f', score)
end

-- ---------------------------------------------------------------- one session

-- The rooms of a session as one text, and its user; nil if there are none.
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

-- All that a caller is told of sessions.
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

-- Set fields, here and in the hash; '' takes one away.
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

-- Replace its rooms, while no index has them; nil leaves them as they are.
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
local function last_life(s, idle_ms)
  return math.max(tonumber(s.last_beat), now - idle_ms)
end

-- ---------------------------------------------------------------- where it is found

local PLACES = {'user', 'address', 'login'}

local function index(s)
  call('ZADD', key('started'), s.opened_at, s.id)
  call('ZADD', key('ids'), 0, s.id)
  for _, name in ipairs(PLACES) do
    if s[name] then call('ZADD', key(name, s[name]), s.opened_at, s.id) end
  end
end

local function ids_of(sessions)
  local ids = {}
  for i, s in ipairs(sessions) do ids[i] = s.id end
  return ids
end

-- A command for each value that the sessions have in a field, about all that have it.
local function for_each(command, name, field, sessions)
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
  for _, name in ipairs(PLACES) do for_each('ZREM', name, name, sessions) end
end

local function come_into(s)
  for room in (s.rooms or ''):gmatch('%S+') do
    local is_new = call('ZADD', key('room', room), s.opened_at, s.id) == 1
    if is_new and s.user then call('HINCRBY', key('present', room), s.user, 1) end
  end
end

local function go_out(s)
  for room in (s.rooms or ''):gmatch('%S+') do
    local place, present = key('room', room), key('present', room)
    if call('ZREM', place, s.id) == 1 then
      if s.user and call('HINCRBY', present, s.user, -1) < 1 then call('HDEL', present, s.user) end
    elseif call('EXISTS', place) == 0 then
      call('DEL', present)
    end
  end
end

local TAKE_OUT = {set = 'SREM', hash = 'HDEL'}

local function take_out(id, place)
  call(TAKE_OUT[call('TYPE', place).ok] or 'ZREM', place, id)
end

-- A session that an index names. One whose hash is gone, which only somebody else can have
-- done, such as a Redis that makes room, is forgotten: nobody shall stumble over it again.
local function indexed(id, place)
  local s = session_of(id)
  if s then return s end
  for _, name in ipairs({'started', 'ids', 'connected', 'idle', 'suspended', 'closing'}) do
    call('ZREM', key(name), id)
  end
  call('SREM', key('unstable'), id)
  local rooms, user = rooms_of(id)
  if rooms then go_out({id = id, rooms = rooms, user = user ~= '' and user or nil}) end
  call('DEL', key('about', id), key('rooms', id))
  take_out(id, place)
end

-- ---------------------------------------------------------------- its state

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
  for_each('SADD', 'lost', 'worker', sessions)
end

function leave.suspended(sessions)
  local ids = ids_of(sessions)
  call('ZREM', key('idle'), unpack(ids))
  call('ZREM', key('suspended'), unpack(ids))
  for_each('SREM', 'lost', 'worker', sessions)
  for_each('ZREM', 'claims', 'claimant', sessions)
end

-- All of one claimant.
function enter.closing(sessions, deadline)
  enter_all(key('closing'), string.format('%.0f', deadline), sessions)
  enter_all(key('claims', sessions[1].claimant), '0', sessions)
end

function leave.closing(sessions)
  call('ZREM', key('closing'), unpack(ids_of(sessions)))
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

-- ---------------------------------------------------------------- changes of several scripts

-- The fields that a new connection sets.
local function connection(opening)
  return {
    state = 'connected', connection = opening.connection, worker = opening.worker,
    user = opening.user, address = opening.address, login = opening.login,
    visibility = opening.visibility, connected_at = now, last_beat = now, missed = 0,
    claimant = '', end_code = '', end_reason = '',
    close_code = '', close_reason = '', close_words = '',
  }
end

-- A beat about a session that is the worker's: if it was suspended while the worker stood
-- still, and nobody else took it, it is taken up again.
local function take_up(s, pulse)
  move(s, {
    state = 'connected', last_beat = last_life(s, pulse.idle_ms), missed = pulse.missed,
    visibility = pulse.visibility, values = pulse.values,
    end_code = '', end_reason = '', claimant = '',
  }, nil, pulse.rooms)
end

-- Ask for the end of a session; what was once asked for good is not softened.
local function ask(s, request)
  if is_final(s) then return end
  save(s, {
    close_code = request.code, close_reason = request.reason, close_words = request.words,
  })
  if s.state == 'connected' then
    call('ZADD', key('inbox', s.worker), is_final(s) and 0 or 1, s.id)
  else
    call('ZADD', key('suspended'), 0, s.id)
  end
end

-- The connections are gone, and nobody has said so. Their worker may take them up again.
local function suspend(sessions, reason)
  local changes = {state = 'suspended', claimant = '', end_code = 1006, end_reason = reason}
  move_all(sessions, function() return changes end, now + input.resume_ms)
  return records(sessions)
end

-- Those of an index that are connected, to this worker if one is given. Whatever else it names is
-- forgotten there: whoever empties the index would never be done.
local function connected_of(ids, place, worker)
  local found = {}
  for _, id in ipairs(ids) do
    local s = indexed(id, place)
    if s and s.state == 'connected' and (not worker or s.worker == worker) then
      found[#found + 1] = s
    elseif s then
      take_out(id, place)
    end
  end
  return found
end

local function held_by(worker, most)
  local place = key('held', worker)
  return connected_of(call('HRANDFIELD', place, most), place, worker)
end

-- Until when a worker's lease lasts or lasted; nil if it never had one.
local function lease_of(worker)
  return tonumber(call('ZSCORE', key('workers'), worker) or call('ZSCORE', key('lost_workers'), worker))
end

-- Suspend at most limit sessions of workers whose lease has ended. A worker is lost once
-- none of its sessions is connected. Answers the sessions and how many workers are now lost.
local function suspend_lost(limit)
  local suspended, workers_lost = {}, 0
  local lapsed = call('ZRANGEBYSCORE', key('workers'), '-inf', below(now), 'LIMIT', 0, input.batch)
  for _, worker in ipairs(lapsed) do
    local left = limit - #suspended
    local connected = left > 0 and held_by(worker, left) or {}
    for _, s in ipairs(suspend(connected, 'worker lost')) do suspended[#suspended + 1] = s end
    if call('EXISTS', key('held', worker)) == 0 then
      local lease_until = call('ZSCORE', key('workers'), worker)
      call('ZREM', key('workers'), worker)
      call('ZADD', key('lost_workers'), lease_until, worker)
      call('HDEL', key('connections'), worker)
      call('HDEL', key('worker', worker), 'report')
      workers_lost = workers_lost + 1
    end
  end
  return suspended, workers_lost
end

-- ---------------------------------------------------------------- places in an order

-- Whether a comes before b, byte by byte as Redis sorts: Lua's own < asks the server's locale.
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- Whether id lies beyond a place of the same score. Such a place is the session's whole id,
-- or only its head if it came from a cursor.
local function beyond(place, id, backwards)
  if place.shown then id = id:sub(1, place.shown) end
  if backwards then return before(id, place.id) end
  return before(place.id, id)
end

-- At most count members of a sorted set that lie beyond a place, with their scores.
local function range_beyond(zset, place, backwards, count)
  local range = backwards and 'ZREVRANGE' or 'ZRANGE'
  local low = 0
  if place then
    local score = string.format('%.0f', place.score)
    low = backwards and call('ZCOUNT', zset, '(' .. score, '+inf')
      or call('ZCOUNT', zset, '-inf', '(' .. score)
    local high = low + call('ZCOUNT', zset, score, score)
    while low < high do
      local middle = math.floor((low + high) / 2)
      local id = call(range, zset, middle, middle)[1]
      if beyond(place, id, backwards) then high = middle else low = middle + 1 end
    end
  end
  local found = {}
  local flat = call(range, zset, low, low + count - 1, 'WITHSCORES')
  for i = 1, #flat, 2 do
    found[#found + 1] = {id = flat[i], score = tonumber(flat[i + 1])}
  end
  return found
end

