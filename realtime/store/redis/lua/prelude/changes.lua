-- What several scripts do with sessions.

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
    call('ZADD', key('since'), 0, s.id)
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
