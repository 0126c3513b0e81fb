-- Forget sessions that are closing: their history has been written.
--
-- sessions  list of ids
-- answers   nil

-- What is left of each is little: it is taken away from all at once.
local ids, keys = {}, {}
for _, id in ipairs(input.sessions) do
  local state, claimant, rooms = unpack(call('HMGET',
    key('session', id), 'state', 'claimant', 'rooms'))
  if state == 'closing' then
    call('ZREM', key('claims', claimant), id)
    ids[#ids + 1] = id
    keys[#keys + 1] = key('session', id)
    keys[#keys + 1] = key('about', id)
    if rooms then keys[#keys + 1] = key('rooms', id) end
  end
end
if #ids > 0 then
  call('ZREM', key('closing'), unpack(ids))
  call('DEL', unpack(keys))
end
return answer(nil)
