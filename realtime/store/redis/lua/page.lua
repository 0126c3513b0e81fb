-- List connected and suspended sessions that match, in an order; one step of a page.
--
-- by        map: user, address, worker, state, prefix, room; each that is given must match
-- order     "opened_at", newest first, or "last_beat", longest without one first
-- place     where to continue: a map of score, id and shown (see order.lua), or nil
-- wanted    how many sessions are answered at most
-- answers   map: sessions, and place, where the next step continues (nil at the end)
--
-- If an index has at most a batch of entries, this script sorts them all and needs one step. Otherwise
-- a step examines a batch of a larger index that is in order already.

local by, backwards = input.by, input.order == 'opened_at'

local function in_order(a, b)
  if a.score ~= b.score then
    if backwards then return a.score > b.score end
    return a.score < b.score
  end
  if backwards then return before(b.id, a.id) end
  return before(a.id, b.id)
end

-- ---------------------------------------------------------------- indexes

local function given(name)
  return by[name] and by[name] ~= ''
end

-- The size of the index of each given field, and a function that lists its ids.
local function indexes()
  local found = {}
  local function add(size, list) found[#found + 1] = {size = size, list = list} end
  for _, name in ipairs({'user', 'address', 'room'}) do
    if given(name) then
      local zset = key(name, by[name])
      add(call('ZCARD', zset), function() return call('ZRANGE', zset, 0, -1) end)
    end
  end
  if given('worker') then
    local held, lost = key('held', by.worker), key('lost', by.worker)
    add(call('HLEN', held) + call('SCARD', lost), function()
      local ids = call('HKEYS', held)
      for _, id in ipairs(call('SMEMBERS', lost)) do ids[#ids + 1] = id end
      return ids
    end)
  end
  if given('prefix') then
    local low, high = '[' .. by.prefix, '[' .. by.prefix .. '\255'
    add(call('ZLEXCOUNT', key('ids'), low, high),
      function() return call('ZRANGEBYLEX', key('ids'), low, high) end)
  end
  if by.state then
    local zset = key(by.state)
    add(call('ZCARD', zset), function() return call('ZRANGE', zset, 0, -1) end)
  end
  return found
end

local function smallest()
  local least = {size = input.batch + 1}
  for _, one in ipairs(indexes()) do
    if one.size < least.size then least = one end
  end
  return least.list and least.list()
end

-- ---------------------------------------------------------------- candidates

-- Indexes in this order that together hold all sessions that can match.
local function ordered()
  if not backwards then
    local beats = {connected = {key('connected')}, suspended = {key('idle')}}
    return beats[by.room and 'connected' or by.state] or {key('connected'), key('idle')}
  end
  local zset = key('started')
  for _, name in ipairs({'user', 'address', 'room'}) do
    local narrower = given(name) and key(name, by[name])
    if narrower and call('ZCARD', narrower) < call('ZCARD', zset) then zset = narrower end
  end
  return {zset}
end

local function scanned(count)
  local found = {}
  for _, zset in ipairs(ordered()) do
    for _, entry in ipairs(range_beyond(zset, input.place, backwards, count)) do
      found[#found + 1] = entry
    end
  end
  table.sort(found, in_order)
  for i = #found, count + 1, -1 do found[i] = nil end
  return found
end

-- ---------------------------------------------------------------- matches

local function matches(id)
  local state, user, address, worker, score = unpack(call('HMGET', key('session', id),
    'state', 'user', 'address', 'worker', input.order))
  local is = {state = state, user = user or '', address = address, worker = worker}
  for name, value in pairs(by) do
    local fits = is[name] == value
    if name == 'prefix' then fits = id:sub(1, #value) == value end
    if name == 'room' then fits = state == 'connected' and call('ZSCORE', key('room', value), id) end
    if not fits then return nil end
  end
  return tonumber(score)
end

local function is_beyond(entry)
  local place = input.place
  if not place then return true end
  if entry.score ~= place.score then return (entry.score < place.score) == backwards end
  return beyond(place, entry.id, backwards)
end

local function sorted(ids)
  local found = {}
  for _, id in ipairs(ids) do
    local entry = {id = id, score = matches(id)}
    if entry.score and is_beyond(entry) then found[#found + 1] = entry end
  end
  table.sort(found, in_order)
  return found
end

local chosen, place = smallest(), nil
if chosen then
  chosen = sorted(chosen)
else
  local is_all = next(by) == nil
  local count = is_all and math.min(input.wanted, input.batch) or input.batch
  local found = scanned(count)
  if #found == count then place = found[count] end
  chosen = {}
  for _, entry in ipairs(found) do
    if is_all or matches(entry.id) then chosen[#chosen + 1] = entry end
  end
end
local sessions = {}
for i = 1, math.min(#chosen, input.wanted) do
  local s = session_of(chosen[i].id)
  if s then sessions[#sessions + 1] = record(s) end
end
return answer({sessions = sessions, place = place})
