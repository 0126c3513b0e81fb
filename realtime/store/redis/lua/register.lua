-- Put back a worker's connected sessions, which this store may have lost.
--
-- worker         the one that has them
-- registrations  list of maps: id, generation, token_hash, connection, worker, user, address,
--                login, about, opened_at, connected_at, idle_ms, missed, visibility, values,
--                rooms, presence, turn
-- answers        list of the positions of those that were resumed elsewhere; none from a worker that
--                has left, and closed sessions do not come back

-- Insert a session, or replace an older generation, whose final request to close is kept.
local function put(registration, s)
  local fields = connection_fields(registration)
  for _, name in ipairs({
    'token_hash', 'generation', 'opened_at', 'connected_at', 'missed', 'values', 'turn',
  }) do
    fields[name] = registration[name]
  end
  for _, name in ipairs({'opened_at', 'connected_at'}) do
    fields[name] = math.min(now, fields[name]) -- the clock may have been set back since
  end
  fields.last_beat = math.max(fields.connected_at, now - registration.idle_ms)
  if s then
    unindex({s})
    on_exit[s.state]({s})
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
  save_presence(s, registration.presence)
  on_enter.connected({s})
end

if has_tombstone(input.worker) then return answer({}) end
local ids = {}
for i, registration in ipairs(input.registrations) do ids[i] = registration.id end
local tombstones = ids[1] and find_tombstones(ids) or {}
local lost = {}
for i, registration in ipairs(input.registrations) do
  local s = session_of(registration.id)
  local ahead = s and tonumber(s.generation) - registration.generation or -1
  if tombstones[registration.id] then
    -- It stays closed; the next beat reports it as lost.
  elseif ahead > 0 then
    lost[#lost + 1] = i
  elseif ahead < 0 then
    put(registration, s)
  elseif s.worker == input.worker and s.state ~= 'closing' then
    reattach(s, registration)
    save_login(s, registration.login)
    if tonumber(s.turn or 0) < (tonumber(registration.turn) or 0) then
      save(s, {turn = registration.turn})
    end
  end
end
return answer(lost)
