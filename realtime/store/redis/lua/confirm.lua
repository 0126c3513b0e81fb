-- Delete closing sessions whose history was written.
--
-- sessions  list of ids
-- answers   nil

-- Few keys of each are left: delete those of all with few commands.
local ids, keys, claims = {}, {}, {}
for _, id in ipairs(input.sessions) do
  local hash = key('session', id)
  local state, claimant, rooms = unpack(call('HMGET', hash, 'state', 'claimant', 'rooms'))
  if state == 'closing' then
    claims[claimant] = claims[claimant] or {}
    table.insert(claims[claimant], id)
    ids[#ids + 1] = id
    keys[#keys + 1] = hash
    keys[#keys + 1] = key('about', id)
    if rooms then keys[#keys + 1] = key('rooms', id) end
  end
end
for claimant, claimed in pairs(claims) do
  call('ZREM', key('claims', claimant), unpack(claimed))
end
if #ids > 0 then
  call('ZREM', key('closing'), unpack(ids))
  call('ZREM', key('since'), unpack(ids))
  call('DEL', unpack(keys))
end
return answer(nil)
