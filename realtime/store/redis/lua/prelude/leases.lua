-- Which workers are believed to be alive. Beside the end of each lease stands the last beat, with
-- which it began: one that lies ahead was told by a clock that was wrong, and its lease is over.

local function ahead_of_time(most)
  return call('ZRANGEBYSCORE', key('beats'), above(believed), '+inf', 'LIMIT', 0, most)
end

-- Until when a worker's lease lasts or lasted; nil if it never had one.
local function lease_of(worker)
  local ends = tonumber(call('ZSCORE', key('workers'), worker))
  if not ends then
    local ended = tonumber(call('ZSCORE', key('lost_workers'), worker))
    return ended and math.min(ended, now - 1)
  end
  -- With a lease like ours only one that lies ahead ends so late.
  local beaten = ends > believed and tonumber(call('ZSCORE', key('beats'), worker)) or 0
  return beaten > believed and now - 1 or ends
end

-- Whether a worker's lease lies ahead, or ended without its doing: it stood still, or the clock
-- was set. Others have yet to beat, too.
local function stood_still(worker)
  return call('ZSCORE', key('workers'), worker) and lease_of(worker) < now
end

-- Note that the clock was set back, if a worker has beaten, or was lost, ahead of it; from the
-- furthest that is still ahead, where it went back in several steps.
local function notice_step()
  local latest = 0
  for _, name in ipairs({'beats', 'lost_workers'}) do
    local last = call('ZREVRANGE', key(name), 0, 0, 'WITHSCORES')[2]
    latest = math.max(latest, tonumber(last) or 0)
  end
  if latest <= believed then return end
  local before = tonumber(call('HGET', key('registry'), 'set_back_from') or 0)
  go_on_when_full()
  call('HSET', key('registry'), 'set_back_at', now, 'set_back_from', math.max(latest, before))
end

-- The workers whose lease runs.
local function leased()
  local ids, ahead, running = call('ZRANGEBYSCORE', key('workers'), now, '+inf'), {}, {}
  for _, id in ipairs(ahead_of_time(-1)) do ahead[id] = true end
  for _, id in ipairs(ids) do
    if not ahead[id] then running[#running + 1] = id end
  end
  return running
end

-- At most so many of each kind of those whose lease has ended and that are not known to be lost.
local function lapsed(most)
  local ids = call('ZRANGEBYSCORE', key('workers'), '-inf', below(now), 'LIMIT', 0, most)
  for _, id in ipairs(ahead_of_time(most)) do ids[#ids + 1] = id end
  return ids
end

-- A worker's lease has ended, at this time; what it had counted is kept.
local function end_lease(worker, at)
  call('ZREM', key('workers'), worker)
  call('ZREM', key('beats'), worker)
  call('ZADD', key('lost_workers'), at, worker)
  call('HDEL', key('connections'), worker)
  call('HDEL', key('worker', worker), 'report')
end

-- Suspend at most limit sessions of workers whose lease has ended. A worker is lost once
-- none of its sessions is connected. Answers the sessions and how many workers are now lost.
local function suspend_lost(limit)
  local suspended, workers_lost = {}, 0
  for _, worker in ipairs(lapsed(input.batch)) do
    local left = limit - #suspended
    local connected = left > 0 and held_by(worker, left) or {}
    for _, s in ipairs(suspend(connected, 'worker lost')) do suspended[#suspended + 1] = s end
    if call('EXISTS', key('held', worker)) == 0 then
      end_lease(worker, string.format('%.0f', lease_of(worker) or now - 1))
      workers_lost = workers_lost + 1
    end
  end
  return suspended, workers_lost
end
