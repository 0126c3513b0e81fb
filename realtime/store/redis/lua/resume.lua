-- Continue a session on a new connection.
--
-- opening     map: id, token_hash, connection, worker, user, address, login, visibility, about, rooms,
--             presence, age_ms, and turn, or nil: the last one plus one
-- last_turn   the highest possible turn
-- taken_over  the code for a turn that is not above the last one
-- answers     map: session, also of a repeat, or verdict: a map: code, reason, login; nil if there is
--             nothing to resume, or if the call comes too late

local opening = input.opening

local function is_own(it)
  return it.token_hash == opening.token_hash and (it.user or '') == opening.user
end

local function within_window(s)
  if s.state == 'suspended' then
    return now < tonumber(call('ZSCORE', key('suspended'), s.id) or 0) and not began_ahead(s)
  elseif s.state == 'connected' then
    -- Its worker may have died and not been swept yet.
    local ends = tonumber(s.last_beat) + input.session_ms + input.lease_ms
    return now < math.min(ends, lease_of(s.worker) or ends) + input.resume_ms
  end
  return false
end

local function verdict(code, reason, login)
  return answer({verdict = {code = code, reason = reason or '', login = login or ''}})
end

local tombstones = find_tombstones({opening.id, opening.connection, opening.worker})
if tombstones[opening.connection] or tombstones[opening.worker] then return answer(nil) end
local tombstone = tombstones[opening.id]
if tombstone then
  local has_verdict = tombstone.code and is_own(tombstone)
    and now < tombstone.told_until and (tombstone.since or 0) <= latest_plausible
  return has_verdict and verdict(tombstone.code, tombstone.reason, tombstone.login) or answer(nil)
end

local s = session_of(opening.id)
if not s or not is_own(s) or s.state == 'closing' then return answer(nil) end
if is_final(s) then return verdict(s.close_code, s.close_words, s.login) end
if not within_window(s) then return answer(nil) end
if s.connection ~= opening.connection then
  local last = tonumber(s.turn or 0)
  local turn = opening.turn or math.min(last + 1, input.last_turn)
  if opening.turn and turn <= last then return verdict(input.taken_over) end
  local requested = requested_end_for(opening)
  if requested then return verdict(requested.code, requested.words, opening.login) end
  unindex({s})
  on_exit[s.state]({s})
  correct_times(s)
  save(s, connection_fields(opening))
  save(s, {generation = tonumber(s.generation) + 1, turn = string.format('%.0f', turn)})
  save_rooms(s, opening.rooms)
  call('SET', key('about', s.id), opening.about)
  index(s)
  save_presence(s, opening.presence)
  on_enter.connected({s})
end
return answer({session = record(s)})
