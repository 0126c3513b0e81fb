-- Forget sessions that are closing: their history has been written.
--
-- sessions  list of ids
-- answers   nil

for _, id in ipairs(input.sessions) do
  local s = session_of(id)
  if s and s.state == 'closing' then
    leave.closing(s)
    call('DEL', key('session', id), key('about', id))
  end
end
return answer(nil)
