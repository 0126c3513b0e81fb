-- One step of a sweep: suspend what is dead, claim what is to be closed.
--
-- claimant  who sweeps
-- limit     how many are suspended, and how many claimed, at most
-- kept_ms   how long a lost worker is remembered
-- answers   map: lost and silent (sessions), claimed (lists, see ROW), and workers_lost

local function suspend_silent(limit)
  local ids = call('ZRANGEBYSCORE', key('connected'), '-inf', below(silent), 'LIMIT', 0, limit)
  return suspend(connected_of(ids, key('connected')), 'no beat in time')
end

-- What this claimant has not confirmed, claims that have expired, and windows that have.
local function due()
  local ids, seen = {}, {}
  local function add(found)
    for _, id in ipairs(found) do
      if not seen[id] and #ids < input.limit then ids[#ids + 1] = id end
      seen[id] = true
    end
  end
  add(call('ZRANGE', key('claims', input.claimant), 0, input.limit - 1))
  for _, name in ipairs({'closing', 'suspended'}) do
    add(call('ZRANGEBYSCORE', key(name), '-inf', below(now), 'LIMIT', 0, input.limit))
  end
  return ids
end

-- What is answered of a claimed session, in this order, and behind it what its end depends on;
-- two of them are not in its hash. Most of a sweep is this: to read it as a list that is handed on
-- takes half the time of a table with names.
local ROW = {
  'id', 'state', 'generation', 'opened_at', 'connected_at', 'last_beat', 'visibility', 'missed',
  'about', 'values', 'worker', 'user', 'login', 'address', 'end_code', 'end_reason', 'rooms',
  'claimant', 'close_code', 'close_words',
}
local AT = {}
for i, name in ipairs(ROW) do AT[name] = i end

-- What a change of its state has to know of a session.
local function ending(id, row)
  local worker, user, login, address, _, _, rooms, claimant, code, words = unpack(row, AT.worker)
  return {
    id = id, state = row[AT.state], worker = worker, user = user, login = login,
    address = address, claimant = claimant, close_code = code, close_words = words,
    rooms = rooms and rooms_of(id) or nil,
  }
end

local function is_held(s)
  return s.state == 'closing' and tonumber(call('ZSCORE', key('closing'), s.id) or 0) >= now
end

local function changes_of(s)
  local changes = {state = 'closing', worker = '', claimant = input.claimant}
  if s.state == 'suspended' and is_final(s) then
    changes.end_code, changes.end_reason = s.close_code, s.close_words or nil
  end
  return changes
end

-- Those that are suspended, or whose claim has expired.
local function claim(sessions, state)
  local claimed = {}
  for _, s in ipairs(sessions) do
    if s.state == state and not is_held(s) then claimed[#claimed + 1] = s end
  end
  -- Who was suspended has left its rooms already.
  move_all(claimed, changes_of, now + input.claim_ms, state == 'suspended' and '' or nil)
end

local function forget_workers()
  local old = below(now - input.kept_ms)
  for _, id in ipairs(call('ZRANGEBYSCORE', key('lost_workers'), '-inf', old, 'LIMIT', 0, input.batch)) do
    call('ZREM', key('lost_workers'), id)
    call('DEL', key('worker', id))
  end
end

-- The row as the session has become.
local function closing(s, row)
  row[AT.id], row[AT.state], row[AT.worker] = s.id, 'closing', ''
  row[AT.user], row[AT.login], row[AT.address] = s.user or '', s.login or '', s.address or ''
  row[AT.end_code] = s.end_code or row[AT.end_code] or 0
  row[AT.end_reason] = s.end_reason or row[AT.end_reason] or ''
  row[AT.rooms] = s.rooms or ''
end

-- It is connected: its hash was taken away, and its worker has put it back.
local function spare(id)
  for _, name in ipairs({'idle', 'suspended', 'closing'}) do call('ZREM', key(name), id) end
  call('ZREM', key('claims', input.claimant), id)
end

local function claim_due()
  local sessions, rows, abouts = {}, {}, {}
  for _, id in ipairs(due()) do
    local row = call('HMGET', key('session', id), unpack(ROW))
    if row[AT.state] == 'connected' then
      spare(id)
    elseif row[AT.state] then
      sessions[#sessions + 1], rows[#rows + 1] = ending(id, row), row
      abouts[#abouts + 1] = key('about', id)
    else
      indexed(id, key('claims', input.claimant)) -- somebody else has taken its hash away
    end
  end
  claim(sessions, 'closing')
  claim(sessions, 'suspended')
  abouts = abouts[1] and call('MGET', unpack(abouts)) or {}
  for i, s in ipairs(sessions) do
    closing(s, rows[i])
    rows[i][AT.about] = abouts[i] or NOTHING_ABOUT
  end
  return rows
end

local lost, workers_lost = suspend_lost(input.limit)
local quiet = suspend_silent(input.limit - #lost)
local claimed = claim_due()
forget_workers()
return answer({lost = lost, silent = quiet, claimed = claimed, workers_lost = workers_lost})
