-- Continue a session on a new connection.
--
-- opening     map: id, token_hash, connection, worker, user, address, login, visibility, about, rooms,
--             age_ms, and turn, or nil: the last one plus one
-- last_turn   beyond which no turn goes
-- taken_over  the code for who comes with a turn that is not above the last
-- answers     map: session, also of a repeat; or a verdict: code, reason, login; nil if there is
--             nothing to resume, or it comes too late

local opening = input.opening

local function is_own(it)
  return it.token_hash == opening.token_hash and (it.user or '') == opening.user
end

local function within_window(s)
  if s.state == 'suspended' then
    return now < tonumber(call('ZSCORE', key('suspended'), s.id) or 0) and not is_ahead(s)
  elseif s.state == 'connected' then
    -- Perhaps to a worker that died and was not swept yet.
    local ends = tonumber(s.last_beat) + input.session_ms + input.lease_ms
    return now < math.min(ends, lease_of(s.worker) or ends) + input.resume_ms
  end
  return false
end

local function verdict(code, reason, login)
  return answer({verdict = {code = code, reason = reason or '', login = login or ''}})
end

local tombs = tombs_of({opening.id, opening.connection, opening.worker})
if tombs[opening.connection] or tombs[opening.worker] then return answer(nil) end
local tomb = tombs[opening.id]
if tomb then
  local is_told = tomb.code and is_own(tomb)
    and now < tomb.told_until and (tomb.since or 0) <= believed
  return is_told and verdict(tomb.code, tomb.reason, tomb.login) or answer(nil)
end

local s = session_of(opening.id)
if not s or not is_own(s) or s.state == 'closing' then return answer(nil) end
if is_final(s) then return verdict(s.close_code, s.close_words, s.login) end
if not within_window(s) then return answer(nil) end
if s.connection ~= opening.connection then
  local last = tonumber(s.turn or 0)
  local turn = opening.turn or math.min(last + 1, input.last_turn)
  if opening.turn and turn <= last then return verdict(input.taken_over) end
  local over = end_for(opening)
  if over then return verdict(over.code, over.words, opening.login) end
  unindex({s})
  leave[s.state]({s})
  set_right(s)
  save(s, connection(opening))
  save(s, {generation = tonumber(s.generation) + 1, turn = string.format('%.0f', turn)})
  save_rooms(s, opening.rooms)
  call('SET', key('about', s.id), opening.about)
  index(s)
  enter.connected({s})
end
return answer({session = record(s)})
