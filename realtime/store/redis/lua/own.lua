-- Read the owner of the store, and record a new one if requested.
--
-- keys     list of the caller's fingerprints, the current one first
-- layout   the layout that the caller knows
-- write    whether to record the caller if the store is its own or has no owner
-- adopt    whether to record it in any case
-- answers  map: key ("" if there is no owner), layout; after this call

local key_stored, layout = unpack(call('HMGET', key('history'), 'key', 'layout'))
local stored = {key = key_stored or '', layout = tonumber(layout or 0)}

local function is_own()
  if stored.layout > input.layout then return false end
  if stored.key == '' then return true end
  for _, each in ipairs(input.keys) do
    if each == stored.key then return true end
  end
  return false
end

local is_recorded = stored.key == input.keys[1] and stored.layout == input.layout
if not is_recorded and (input.adopt or input.write and is_own()) then
  allow_when_full()
  call('HSET', key('history'), 'key', input.keys[1], 'layout', input.layout)
  stored = {key = input.keys[1], layout = input.layout}
end
return answer(stored)
