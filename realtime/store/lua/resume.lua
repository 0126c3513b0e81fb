-- Continue a session on a new connection.
--
-- opening  map: id, token_hash, connection, worker, user, address, login, visibility, about, rooms
-- answers  the session, also of a repeat; nil if it may not be resumed

local opening = input.opening

local function within_window(s)
  if s.state == 'suspended' then
    return now < tonumber(call('ZSCORE', key('suspended'), s.id)) and not is_ahead(s)
  elseif s.state == 'connected' then
    -- Perhaps to a worker that died and was not swept yet.
    local ends = tonumber(s.last_beat) + input.session_ms + input.lease_ms
    return now < math.min(ends, lease_of(s.worker) or ends) + input.resume_ms
  end
  return false
end

local s = session_of(opening.id)
if not s or s.token_hash ~= opening.token_hash or (s.user or '') ~= opening.user
    or is_final(s) or not within_window(s) then
  return answer(nil)
end
if s.connection ~= opening.connection then
  set_right(s)
  unindex({s})
  leave[s.state]({s})
  save(s, connection(opening))
  save(s, {generation = tonumber(s.generation) + 1})
  save_rooms(s, opening.rooms)
  call('SET', key('about', s.id), opening.about)
  index(s)
  enter.connected({s})
end
return answer(record(s))
