-- Read the counts of the registry.
--
-- counts   names of totals
-- answers  map: at, connected, users, unhealthy, suspended, reports (JSON) of the live workers,
--          totals (list in the order of counts), last_sweep (JSON or nil), last_sweep_at, and
--          sampled_at, the newest sample's time or nil

local reports = {}
for _, worker in ipairs(live_workers()) do
  reports[#reports + 1] = call('HGET', key('worker', worker), 'report') or nil
end
local totals = call('HMGET', key('registry'), unpack(input.counts))
for i = 1, #totals do totals[i] = totals[i] or 0 end
local last_sweep, last_sweep_at = unpack(call('HMGET', key('registry'),
  'last_sweep', 'last_sweep_at'))
local newest = call('ZREVRANGEBYSCORE', key('samples'), now, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
return answer({
  at = now,
  connected = call('ZCARD', key('connected')),
  users = call('HLEN', key('users')),
  unhealthy = call('SCARD', key('unstable')),
  suspended = call('ZCARD', key('suspended')),
  reports = reports,
  totals = totals,
  last_sweep = last_sweep or nil,
  last_sweep_at = math.min(now, tonumber(last_sweep_at) or 0),
  sampled_at = newest[2],
})
