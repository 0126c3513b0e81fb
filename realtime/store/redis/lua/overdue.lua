-- Count what a sweep would do; one step examines at most a batch of silent sessions.
--
-- place    where the step before ended: a map of score and id, or nil
-- answers  map: suspend, close, workers_lost, to be added up, and place (nil at the end)

local suspend, close, workers_lost = 0, 0, 0
local is_expired = {}
for _, worker in ipairs(expired_leases(-1)) do
  is_expired[worker] = true
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
  close = close + call('ZCOUNT', key('since'), above(latest_plausible), '+inf')
end

-- Skips the sessions between those that beat too long ago and those that beat in the future.
local LAST_PLAUSIBLE = {score = latest_plausible, id = '~'}
local found = range_beyond(key('connected'), input.place, false, input.batch)
local place = #found == input.batch and found[#found] or nil
for _, entry in ipairs(found) do
  if entry.score >= oldest_live and entry.score <= latest_plausible then
    place = LAST_PLAUSIBLE
    break
  end
  local worker, code = unpack(call('HMGET', key('session', entry.id), 'worker', 'close_code'))
  if not is_expired[worker] then
    suspend = suspend + 1
    if is_final({close_code = code or nil}) then close = close + 1 end
  end
end
return answer({suspend = suspend, close = close, workers_lost = workers_lost, place = place})
