-- One step of a sweep: suspend dead sessions, claim those to be closed.
--
-- claimant  the one that sweeps; its first word may be a worker
-- limit     how many are suspended, and how many claimed, at most
-- kept_ms   how long a lost worker is remembered
-- answers   map: lost and silent (sessions), claimed (sessions), and workers_lost

local function suspend_silent(limit)
  local place = key('connected')
  local ids = call('ZRANGEBYSCORE', place, '-inf', below(oldest_live), 'LIMIT', 0, limit)
  local ahead = call('ZRANGEBYSCORE', place, above(latest_plausible), '+inf', 'LIMIT', 0, limit - #ids)
  for _, id in ipairs(ahead) do ids[#ids + 1] = id end
  return suspend_sessions(still_connected(ids, place), 'no beat in time')
end

-- Sessions that this claimant has not confirmed, and those whose claim or resume window has expired
-- or began in the future.
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
  add(call('ZRANGEBYSCORE', key('since'), above(latest_plausible), '+inf', 'LIMIT', 0, input.limit))
  return ids
end

local function is_held(s)
  return s.state == 'closing' and tonumber(call('ZSCORE', key('closing'), s.id) or 0) >= now
    and not began_ahead(s)
end

local function changes_of(s)
  local changes = {state = 'closing', worker = '', claimant = input.claimant}
  if s.state == 'suspended' and is_final(s) then
    changes.end_code, changes.end_reason = s.close_code, s.close_words or nil
  end
  return changes
end

-- Claims those in this state, unless their claim still runs.
local function claim(sessions, state)
  local claimed = {}
  for _, s in ipairs(sessions) do
    if s.state == state and not is_held(s) then claimed[#claimed + 1] = s end
  end
  -- A suspended session has left its rooms already.
  move_sessions(claimed, changes_of, now + input.claim_ms, state == 'suspended' and '' or nil)
  for _, s in ipairs(claimed) do
    if state == 'suspended' and is_final(s) then
      add_session_tombstone(s, s.close_code, s.close_words)
    end
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

-- Repairs a session that is connected: its hash was evicted, and its worker registered it again.
local function drop_stale_indexes(id)
  for _, name in ipairs({'idle', 'suspended', 'closing', 'since'}) do call('ZREM', key(name), id) end
  call('ZREM', key('claims', input.claimant), id)
end

local function claim_due()
  local sessions = {}
  for _, id in ipairs(due()) do
    local s = session_in_index(id, key('claims', input.claimant))
    if s and s.state == 'connected' then
      drop_stale_indexes(id)
    else
      sessions[#sessions + 1] = s
    end
  end
  claim(sessions, 'closing')
  claim(sessions, 'suspended')
  return records(sessions)
end

local lost, silent, workers_lost = {}, {}, 0
note_clock_step() -- before forget_workers corrects times in the future
if not stood_still(input.claimant:match('%S*')) then
  lost, workers_lost = suspend_lost(input.limit)
  silent = suspend_silent(input.limit - #lost)
end
local claimed = claim_due()
forget_workers()
return answer({lost = lost, silent = silent, claimed = claimed, workers_lost = workers_lost})
