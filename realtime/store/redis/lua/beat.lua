-- Renew a worker's lease and report some of its sessions.
--
-- worker        map: id, report (JSON), connections, and counts: a map
-- updates       flat list of the values of all: id, generation, idle_ms, missed, visibility, values,
--               rooms or false, presence (a map) or false; a table for each would take longer to decode
--               than to apply
-- suspend_lost  whether to suspend sessions of workers whose lease has ended
-- token         a random text that names the store's content if another history begins
-- answers       map: renewed, online, workers, incarnation, inbox (sessions), lost (list of
--               {position in updates, "unknown" or "taken_over"}), suspended (sessions), at
--
-- Invariants:
--
-- 1. A worker that has left renews nothing and reports nothing; it gets only the counts and its inbox.
-- 2. Values are absolute: a repeated beat changes no session and adds nothing to the totals.
-- 3. A session changes only if its hash names this worker in this generation or an older one, connected
--    or suspended. All others are answered as lost, in the order of the updates.
-- 4. held:<worker> has exactly the worker's connected sessions with their generations. So an update
--    whose generation is there needs no HGETALL; after its hash was evicted, HSET creates four fields.
-- 5. last_beat never goes back, and never lies in the future: if the clock was set back, all times of
--    the session go back together.
-- 6. The score in connected equals last_beat in the hash, and unstable has exactly the connected
--    sessions with misses. The scores of all updates are written together, after the last one.
-- 7. Each update is applied to the session as the updates before it left it: an id that appears again
--    is read anew.
-- 8. A worker that stood still, or whose lease is in the future, suspends no other worker's sessions
--    for one lease: its sweep may be under way when this beat renews the lease.

local worker = input.worker

-- Answers whether the lease still ran.
local function renew()
  local ends = lease_of(worker.id)
  local runs = ends ~= nil and ends >= now
  if not runs then
    local still_until = stood_still(worker.id) and string.format('%.0f', now + input.lease_ms) or 0
    call('HSET', key('worker', worker.id), 'still_until', still_until)
    note_clock_step()
  end
  call('ZREM', key('lost_workers'), worker.id)
  call('ZADD', key('workers'), now + input.lease_ms, worker.id)
  call('ZADD', key('beats'), now, worker.id)
  call('HSET', key('connections'), worker.id, worker.connections)
  return runs
end

-- The totals grow by the difference to the report before: a repeat adds nothing.
local function report()
  local own, names, set = key('worker', worker.id), {}, {'report', worker.report}
  for name in pairs(worker.counts) do names[#names + 1] = name end
  local before = call('HMGET', own, unpack(names))
  for i, name in ipairs(names) do
    local count = worker.counts[name]
    local more = count - tonumber(before[i] or 0)
    if more ~= 0 then
      call('HINCRBY', key('registry'), name, more)
      set[#set + 1] = name
      set[#set + 1] = count
    end
  end
  call('HSET', own, unpack(set))
end

local UPDATE_SIZE = 8 -- values of each

local function update_at(i)
  local id, generation, idle_ms, missed, visibility, values, rooms, presence =
    unpack(input.updates, i, i + UPDATE_SIZE - 1)
  return {
    id = id, generation = generation, idle_ms = idle_ms, missed = missed,
    visibility = visibility, values = values, rooms = rooms or nil, presence = presence or nil,
  }
end

local function loss_of(s, generation)
  if not s then return 'unknown' end
  if tonumber(s.generation) > generation then return 'taken_over' end
  if s.worker ~= worker.id or s.state == 'closing' then return 'unknown' end
end

-- Each is false if it is not reported.
local function change_rooms(s, rooms, presence)
  if rooms and rooms ~= (s.rooms or '') then
    remove_from_rooms(s)
    save_rooms(s, rooms)
    add_to_rooms(s)
  end
  save_presence(s, presence)
end

-- Of each session, by one command each: the generation in which the worker holds it, its last beat,
-- and whether it has misses.
local function indexes_of(ids)
  return call('HMGET', key('held', worker.id), unpack(ids)),
    call('ZMSCORE', key('connected'), unpack(ids)),
    call('SMISMEMBER', key('unstable'), unpack(ids))
end

-- Corrects a session whose last beat is in the future; answers when it beat then.
local function correct_future_beat(id)
  local s = session_of(id)
  if s then correct_times(s) end
  return now
end

-- The common case writes only what changes, and the last beats of all together. Numbers are passed as
-- texts: Redis would format 17 digits each time.
local function apply_updates()
  local updates, sessions, ids = input.updates, key('session', ''), {}
  for i = 1, #updates, UPDATE_SIZE do ids[#ids + 1] = updates[i] end
  if #ids == 0 then return {} end
  local held, last_beats, unstable = indexes_of(ids)
  local lost, beats, applied = {}, {}, {}

  local function apply(n, i, last_beat, had_misses)
    local id, missed = ids[n], updates[i + 3]
    last_beat = math.max(tonumber(last_beat), now - updates[i + 2])
    if last_beat > now then last_beat = correct_future_beat(id) end
    last_beat = string.format('%.0f', last_beat)
    local was_evicted = call('HSET', sessions .. id, 'last_beat', last_beat,
      'visibility', updates[i + 4], 'values', updates[i + 5],
      'missed', missed > 0 and missed or '0') == 4
    if was_evicted then -- forget the rest of it
      call('DEL', sessions .. id)
      session_in_index(id, key('held', worker.id))
      lost[#lost + 1] = {n, 'unknown'}
      return
    end
    if missed > 0 or had_misses then call(missed > 0 and 'SADD' or 'SREM', key('unstable'), id) end
    local rooms, presence = updates[i + 6], updates[i + 7]
    if rooms or presence then change_rooms(session_of(id), rooms, presence) end
    beats[#beats + 1] = last_beat
    beats[#beats + 1] = id
    applied[id] = true -- what indexes_of read of it is outdated
  end

  for n, id in ipairs(ids) do
    local i = (n - 1) * UPDATE_SIZE + 1
    if last_beats[n] and held[n] and tonumber(held[n]) == updates[i + 1] and not applied[id] then
      apply(n, i, last_beats[n], unstable[n] == 1)
    else
      local s = session_of(id)
      local loss = loss_of(s, updates[i + 1])
      if loss then
        lost[#lost + 1] = {n, loss}
      elseif s.state == 'suspended' then
        reattach(s, update_at(i))
      else
        call('HSET', key('held', worker.id), id, s.generation) -- if that was evicted
        apply(n, i, s.last_beat, true)
      end
    end
  end
  if #beats > 0 then call('ZADD', key('connected'), unpack(beats)) end
  return lost
end

local function inbox()
  local requested = {}
  for _, id in ipairs(call('ZRANGE', key('inbox', worker.id), 0, input.batch - 1)) do
    requested[#requested + 1] = session_in_index(id, key('inbox', worker.id))
  end
  return requested
end

-- The name of the present history: this one may lack what was written to another.
local function incarnation()
  local info = redis.pcall('INFO', 'replication')
  local place = key('history')
  local name = type(info) == 'string' and history(input.token, info)
  if not name then -- this user of Redis has no permission for INFO
    call('HSETNX', place, 'name', input.token)
    name = call('HGET', place, 'name')
  end
  call('HSET', place, 'seen', string.format('%.0f', now))
  return name
end

allow_when_full()
local renewed, lost, suspended = false, {}, {}
if call('ZSCORE', key('workers'), worker.id) or not has_tombstone(worker.id) then
  renewed = renew()
  report()
  lost = apply_updates()
  suspended = input.suspend_lost and not stood_still(worker.id) and suspend_lost(input.batch) or {}
end
local running = live_workers()
local online = 0
for _, count in ipairs(running[1] and call('HMGET', key('connections'), unpack(running)) or {}) do
  online = online + tonumber(count or 0)
end
return answer({
  renewed = renewed, online = online, workers = #running, incarnation = incarnation(),
  inbox = inbox(), lost = lost, suspended = suspended, at = now,
})
