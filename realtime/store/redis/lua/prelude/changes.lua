-- Changes of sessions that several scripts make.

-- The fields that a new connection sets.
local function connection_fields(opening)
  return {
    state = 'connected', connection = opening.connection, worker = opening.worker,
    user = opening.user, address = opening.address, login = opening.login,
    visibility = opening.visibility, connected_at = now, last_beat = now, missed = 0,
    claimant = '', end_code = '', end_reason = '',
    close_code = '', close_reason = '', close_words = '',
  }
end

-- Replaces the login of a session that is connected or suspended; '' is none.
local function save_login(s, login)
  if login == (s.login or '') then return end
  if s.login then call('ZREM', key('login', s.login), s.id) end
  save(s, {login = login})
  if s.login then call('ZADD', key('login', s.login), s.opened_at, s.id) end
end

-- Applies an update of a session's own worker: reattaches it if it was suspended while the worker
-- stood still, and not resumed since.
local function reattach(s, update)
  move(s, {
    state = 'connected', last_beat = latest_beat(s, update.idle_ms), missed = update.missed,
    visibility = update.visibility, values = update.values,
    end_code = '', end_reason = '', claimant = '',
  }, nil, update.rooms)
  save_presence(s, update.presence)
end

-- Requests the end of a session; a later request does not soften a final code.
local function request_close(s, request)
  if is_final(s) then return end
  save(s, {
    close_code = request.code, close_reason = request.reason, close_words = request.words,
  })
  if s.state == 'connected' then
    call('ZADD', key('inbox', s.worker), is_final(s) and 0 or 1, s.id)
  else
    call('ZADD', key('suspended'), 0, s.id)
    call('ZADD', key('since'), 0, s.id)
  end
end

-- Suspends sessions whose worker has not reported their end; the worker may reattach them.
local function suspend_sessions(sessions, reason)
  local changes = {state = 'suspended', claimant = '', end_code = 1006, end_reason = reason}
  move_sessions(sessions, function() return changes end, now + input.resume_ms)
  return records(sessions)
end

-- The sessions of an index that are connected, to this worker if one is given. Removes all others
-- from the index: a caller that empties it would never finish.
local function still_connected(ids, place, worker)
  local found = {}
  for _, id in ipairs(ids) do
    local s = session_in_index(id, place)
    if s and s.state == 'connected' and (not worker or s.worker == worker) then
      found[#found + 1] = s
    elseif s then
      remove_from_index(id, place)
    end
  end
  return found
end

local function sessions_held_by(worker, limit)
  local place = key('held', worker)
  return still_connected(call('HRANDFIELD', place, limit), place, worker)
end
