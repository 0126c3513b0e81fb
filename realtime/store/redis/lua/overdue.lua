-- What a sweep would do; at most a batch of silent sessions is looked at in a step.
--
-- place    where the step before ended: a map of score and id; or nil
-- answers  map: suspend, close, workers_lost, to be added up, and place (nil at the end)

local suspend, close, workers_lost = 0, 0, 0
local is_lapsed = {}
for _, worker in ipairs(lapsed(-1)) do
  is_lapsed[worker] = true
  if not input.place then
    workers_lost = workers_lost + 1
    suspend = suspend + call('HLEN', key('held', worker))
    close = close + call('ZCOUNT', key('inbox', worker), 0, 0)
  end
end
if not input.place then
  for _, name in ipairs({'suspended', 'closing'}) do
    close = close + call('ZCOUNT', key(name), '-inf', below(now))
  end
  close = close + call('ZCOUNT', key('since'), above(believed), '+inf')
end

-- Who beat neither too long ago nor ahead of the clock is passed over.
local BEYOND_BELIEF = {score = believed, id = '~'}
local found = range_beyond(key('connected'), input.place, false, input.batch)
local place = #found == input.batch and found[#found] or nil
for _, entry in ipairs(found) do
  if entry.score >= silent and entry.score <= believed then
    place = BEYOND_BELIEF
    break
  end
  local worker, code = unpack(call('HMGET', key('session', entry.id), 'worker', 'close_code'))
  if not is_lapsed[worker] then
    suspend = suspend + 1
    if is_final({close_code = code or nil}) then close = close + 1 end
  end
end
return answer({suspend = suspend, close = close, workers_lost = workers_lost, place = place})
