-- Whose store this is; and note whose it is now, if that is wanted.
--
-- keys     list of fingerprints: the owner's, the one in use first
-- layout   what the owner knows
-- write    whether to note the owner, where the store is its own or nobody's
-- adopt    whether to do so in any case
-- answers  map: key ("" if it is nobody's), layout; as they are then

local key_held, layout = unpack(call('HMGET', key('history'), 'key', 'layout'))
local held = {key = key_held or '', layout = tonumber(layout or 0)}

local function is_own()
  if held.layout > input.layout then return false end
  if held.key == '' then return true end
  for _, each in ipairs(input.keys) do
    if each == held.key then return true end
  end
  return false
end

local is_noted = held.key == input.keys[1] and held.layout == input.layout
if not is_noted and (input.adopt or input.write and is_own()) then
  go_on_when_full()
  call('HSET', key('history'), 'key', input.keys[1], 'layout', input.layout)
  held = {key = input.keys[1], layout = input.layout}
end
return answer(held)
