-- One step of a sweep: suspend what is dead, claim what is to be closed.
--
-- claimant  who sweeps; its first word may be a worker
-- limit     how many are suspended, and how many claimed, at most
-- kept_ms   how long a lost worker is remembered
-- answers   map: lost and silent (sessions), claimed (sessions), and workers_lost

local function suspend_silent(limit)
  local place = key('connected')
  local ids = call('ZRANGEBYSCORE', place, '-inf', below(silent), 'LIMIT', 0, limit)
  local ahead = call('ZRANGEBYSCORE', place, above(believed), '+inf', 'LIMIT', 0, limit - #ids)
  for _, id in ipairs(ahead) do ids[#ids + 1] = id end
  return suspend(connected_of(ids, place), 'no beat in time')
end

-- What this claimant has not confirmed, claims that have expired, and windows that have; both also
-- where they began ahead of the clock.
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
  add(call('ZRANGEBYSCORE', key('since'), above(believed), '+inf', 'LIMIT', 0, input.limit))
  return ids
end

local function is_held(s)
  return s.state == 'closing' and tonumber(call('ZSCORE', key('closing'), s.id) or 0) >= now
    and not is_ahead(s)
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
  for _, s in ipairs(claimed) do
    if state == 'suspended' and is_final(s) then bury_session(s, s.close_code, s.close_words) end
  end
end

local function forget_workers()
  local old, place = below(now - input.kept_ms), key('lost_workers')
  for _, id in ipairs(call('ZRANGEBYSCORE', place, '-inf', old, 'LIMIT', 0, input.batch)) do
    call('ZREM', place, id)
    call('DEL', key('worker', id))
  end
  for _, id in ipairs(call('ZRANGEBYSCORE', place, above(now), '+inf', 'LIMIT', 0, input.batch)) do
    call('ZADD', place, now, id)
  end
end

-- It is connected: its hash was taken away, and its worker has put it back.
local function spare(id)
  for _, name in ipairs({'idle', 'suspended', 'closing', 'since'}) do call('ZREM', key(name), id) end
  call('ZREM', key('claims', input.claimant), id)
end

local function claim_due()
  local sessions = {}
  for _, id in ipairs(due()) do
    local s = indexed(id, key('claims', input.claimant))
    if s and s.state == 'connected' then
      spare(id)
    else
      sessions[#sessions + 1] = s
    end
  end
  claim(sessions, 'closing')
  claim(sessions, 'suspended')
  return records(sessions)
end

local lost, quiet, workers_lost = {}, {}, 0
notice_step() -- before it is forgotten who was ahead
if not stood_still(input.claimant:match('%S*')) then
  lost, workers_lost = suspend_lost(input.limit)
  quiet = suspend_silent(input.limit - #lost)
end
local claimed = claim_due()
forget_workers()
return answer({lost = lost, silent = quiet, claimed = claimed, workers_lost = workers_lost})
