-- Request the end of sessions, at most a batch of them.
--
-- session      the id of one, or
-- name, value  "user" or "login", and its value
-- place        where the step before ended: a map of score and id, or nil
-- request      map: code, reason, words
-- answers      map: ids, place (nil at the end)

allow_when_full()
if not input.place then
  add_requested_end(input.name or 'session', input.value or input.session, input.request)
end
local found = {{id = input.session}}
if input.name then
  found = range_beyond(key(input.name, input.value), input.place, false, input.batch)
end
local ids = {}
for _, entry in ipairs(found) do
  local s = session_of(entry.id)
  local is_online = s and (s.state == 'connected'
    or s.state == 'suspended' and input.request.code >= input.final)
  if is_online then
    request_close(s, input.request)
    ids[#ids + 1] = s.id
  end
end
return answer({ids = ids, place = #found == input.batch and found[#found] or nil})
