-- Register a new session as connected.
--
-- opening  map: id, token_hash, connection, worker, user, address, login, visibility, values, about,
--          rooms, age_ms
-- cap      nil, or a map: limit, evict_oldest, and the request: code, reason, words
-- answers  map: session, also of a repeat; or a verdict: code, reason, login; nil if its user has too
--          many, and if it comes too late

-- Whether there is room for one more of this user, or was made.
local function has_room(user, cap)
  local mine = call('ZRANGE', key('user', user), 0, -1)
  if #mine < cap.limit then return true end
  local idle, live = {}, {}
  for _, id in ipairs(mine) do
    local s = indexed(id, key('user', user))
    if s and not is_final(s) then
      local ended = s.state ~= 'connected' or (lease_of(s.worker) or now) < now
      table.insert(ended and idle or live, s)
    end
  end
  local surplus = #idle + #live - cap.limit + 1
  if surplus > #idle and not cap.evict_oldest then return false end
  for i = 1, surplus do ask(idle[i] or live[i - #idle], cap) end
  return true
end

local opening = input.opening
if is_late(opening.id, opening.connection, opening.worker) then return answer(nil) end
local s = session_of(opening.id)
if not s then
  local over = end_for(opening)
  if over then return answer({verdict = {code = over.code, reason = over.words, login = opening.login}}) end
  if input.cap and not has_room(opening.user, input.cap) then return answer(nil) end
  s = {id = opening.id}
  save(s, connection(opening))
  save(s, {
    token_hash = opening.token_hash, generation = 1, opened_at = now, values = opening.values,
  })
  save_rooms(s, opening.rooms)
  call('SET', key('about', s.id), opening.about)
  index(s)
  enter.connected({s})
end
return answer({session = record(s)})
