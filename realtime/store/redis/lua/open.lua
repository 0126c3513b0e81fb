-- Register a new session as connected.
--
-- opening  map: id, token_hash, connection, worker, user, address, login, visibility, values, about,
--          rooms, presence, age_ms
-- limit    nil, or a map: max_sessions, evict_oldest, and the request: code, reason, words
-- answers  map: session, also of a repeat, or verdict: a map: code, reason, login; nil if its user has
--          too many sessions, or if the call comes too late

-- Requests the end of as many of the user's sessions as needed; false if that is not enough.
local function make_room(user, limit)
  local mine = call('ZRANGE', key('user', user), 0, -1)
  if #mine < limit.max_sessions then return true end
  local idle, live = {}, {}
  for _, id in ipairs(mine) do
    local s = session_in_index(id, key('user', user))
    if s and not is_final(s) then
      local ended = s.state ~= 'connected' or (lease_of(s.worker) or now) < now
      table.insert(ended and idle or live, s)
    end
  end
  local surplus = #idle + #live - limit.max_sessions + 1
  if surplus > #idle and not limit.evict_oldest then return false end
  for i = 1, surplus do request_close(idle[i] or live[i - #idle], limit) end
  return true
end

local opening = input.opening
if has_tombstone(opening.id, opening.connection, opening.worker) then return answer(nil) end
local s = session_of(opening.id)
if not s then
  local requested = requested_end_for(opening)
  if requested then
    return answer({verdict = {
      code = requested.code, reason = requested.words, login = opening.login,
    }})
  end
  if input.limit and not make_room(opening.user, input.limit) then return answer(nil) end
  s = {id = opening.id}
  save(s, connection_fields(opening))
  save(s, {
    token_hash = opening.token_hash, generation = 1, opened_at = now, values = opening.values,
  })
  save_rooms(s, opening.rooms)
  call('SET', key('about', s.id), opening.about)
  index(s)
  save_presence(s, opening.presence)
  on_enter.connected({s})
end
return answer({session = record(s)})
