-- Put a worker's connected sessions back, which this store may have lost.
--
-- worker         whose they are
-- registrations  list of maps: id, generation, token_hash, connection, worker, user, address,
--                login, about, opened_at, connected_at, idle_ms, missed, visibility, values,
--                rooms, turn
-- answers        list of the positions of those that were continued elsewhere; a worker that has
--                left comes too late, and what was closed does not come back

-- A new session, or in the place of an older generation, of which a final request is kept.
local function put(registration, s)
  local fields = connection(registration)
  for _, name in ipairs({
    'token_hash', 'generation', 'opened_at', 'connected_at', 'missed', 'values', 'turn',
  }) do
    fields[name] = registration[name]
  end
  for _, name in ipairs({'opened_at', 'connected_at'}) do
    fields[name] = math.min(now, fields[name]) -- its worker may remember what the clock once said
  end
  fields.last_beat = math.max(fields.connected_at, now - registration.idle_ms)
  if s then
    unindex({s})
    leave[s.state]({s})
    if is_final(s) then
      fields.close_code, fields.close_reason = s.close_code, s.close_reason or ''
      fields.close_words = s.close_words
    end
  end
  s = s or {id = registration.id}
  save(s, fields)
  save_rooms(s, registration.rooms)
  call('SET', key('about', s.id), registration.about)
  index(s)
  enter.connected({s})
end

if is_late(input.worker) then return answer({}) end
local ids = {}
for i, registration in ipairs(input.registrations) do ids[i] = registration.id end
local tombs = ids[1] and tombs_of(ids) or {}
local lost = {}
for i, registration in ipairs(input.registrations) do
  local s = session_of(registration.id)
  local ahead = s and tonumber(s.generation) - registration.generation or -1
  if tombs[registration.id] then
    -- It stays closed; the next beat says so.
  elseif ahead > 0 then
    lost[#lost + 1] = i
  elseif ahead < 0 then
    put(registration, s)
  elseif s.worker == input.worker and s.state ~= 'closing' then
    take_up(s, registration)
    if tonumber(s.turn or 0) < (tonumber(registration.turn) or 0) then
      save(s, {turn = registration.turn})
    end
  end
end
return answer(lost)
