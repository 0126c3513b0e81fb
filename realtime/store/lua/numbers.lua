-- The registry in numbers.
--
-- answers  map: at, connected, users, unhealthy, suspended, reports (JSON) of the live workers,
--          totals (pings, pongs, timeouts), last_sweep (JSON or nil), last_sweep_at, and
--          sampled_at, the newest sample's time or nil

local reports = {}
for _, worker in ipairs(call('ZRANGEBYSCORE', key('workers'), now, '+inf')) do
  reports[#reports + 1] = call('HGET', key('worker', worker), 'report') or nil
end
local kept = call('HMGET', key('registry'),
  'pings', 'pongs', 'timeouts', 'last_sweep', 'last_sweep_at')
local newest = call('ZREVRANGE', key('samples'), 0, 0, 'WITHSCORES')
return answer({
  at = now,
  connected = call('ZCARD', key('connected')),
  users = call('HLEN', key('users')),
  unhealthy = call('SCARD', key('unstable')),
  suspended = call('ZCARD', key('suspended')),
  reports = reports,
  totals = {kept[1] or 0, kept[2] or 0, kept[3] or 0},
  last_sweep = kept[4] or nil,
  last_sweep_at = kept[5] or 0,
  sampled_at = newest[2],
})
