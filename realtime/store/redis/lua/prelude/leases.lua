-- The leases of workers. `workers` has the end of each, `beats` the last beat, with which it began: if
-- that is in the future, it was written by a wrong clock, and the lease is over.

local function workers_ahead(limit)
  return call('ZRANGEBYSCORE', key('beats'), above(latest_plausible), '+inf', 'LIMIT', 0, limit)
end

-- When a worker's lease ends or ended; nil if it never had one.
local function lease_of(worker)
  local ends = tonumber(call('ZSCORE', key('workers'), worker))
  if not ends then
    local ended = tonumber(call('ZSCORE', key('lost_workers'), worker))
    return ended and math.min(ended, now - 1)
  end
  -- With the same lease_ms, only a lease from the future ends so late.
  local beaten = ends > latest_plausible and tonumber(call('ZSCORE', key('beats'), worker)) or 0
  return beaten > latest_plausible and now - 1 or ends
end

-- Whether a worker's lease is in the future, or ended without being given back and was renewed less
-- than a lease ago: the worker stood still, or the clock was set. Other workers may have yet to beat.
local function stood_still(worker)
  if not call('ZSCORE', key('workers'), worker) then return false end
  local still_until = call('HGET', key('worker', worker), 'still_until')
  return lease_of(worker) < now or tonumber(still_until or 0) >= now
end

-- Records that the clock was set back, if the last beat of a worker or the end of a lost lease is in
-- the future; from the latest such time, if it went back in several steps.
local function note_clock_step()
  local latest = 0
  for _, name in ipairs({'beats', 'lost_workers'}) do
    local last = call('ZREVRANGE', key(name), 0, 0, 'WITHSCORES')[2]
    latest = math.max(latest, tonumber(last) or 0)
  end
  if latest <= latest_plausible then return end
  local before = tonumber(call('HGET', key('registry'), 'set_back_from') or 0)
  allow_when_full()
  call('HSET', key('registry'), 'set_back_at', now, 'set_back_from', math.max(latest, before))
end

-- The workers whose lease runs.
local function live_workers()
  local ids, ahead, running = call('ZRANGEBYSCORE', key('workers'), now, '+inf'), {}, {}
  for _, id in ipairs(workers_ahead(-1)) do ahead[id] = true end
  for _, id in ipairs(ids) do
    if not ahead[id] then running[#running + 1] = id end
  end
  return running
end

-- Workers whose lease has ended and that are not marked as lost: at most limit of each kind.
local function expired_leases(limit)
  local ids = call('ZRANGEBYSCORE', key('workers'), '-inf', below(now), 'LIMIT', 0, limit)
  for _, id in ipairs(workers_ahead(limit)) do ids[#ids + 1] = id end
  return ids
end

-- Marks a worker as lost since this time; its counts stay.
local function end_lease(worker, at)
  call('ZREM', key('workers'), worker)
  call('ZREM', key('beats'), worker)
  call('ZADD', key('lost_workers'), at, worker)
  call('HDEL', key('connections'), worker)
  call('HDEL', key('worker', worker), 'report')
end

-- Suspends at most limit sessions of workers whose lease has ended. A worker is lost once none of its
-- sessions is connected. Returns the sessions, and how many workers are now lost.
local function suspend_lost(limit)
  local suspended, workers_lost = {}, 0
  for _, worker in ipairs(expired_leases(input.batch)) do
    local left = limit - #suspended
    local connected = left > 0 and sessions_held_by(worker, left) or {}
    for _, s in ipairs(suspend_sessions(connected, 'worker lost')) do suspended[#suspended + 1] = s end
    if call('EXISTS', key('held', worker)) == 0 then
      end_lease(worker, string.format('%.0f', lease_of(worker) or now - 1))
      workers_lost = workers_lost + 1
    end
  end
  return suspended, workers_lost
end
