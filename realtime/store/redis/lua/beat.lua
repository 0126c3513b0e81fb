-- Renew a worker's lease and report some of its sessions.
--
-- worker        map: id, report (JSON), connections, and counts: a map
-- pulses        one list of all their values in turn: id, generation, idle_ms, missed, visibility,
--               values, rooms or false; a table for each would take longer to read than they do
-- suspend_lost  whether sessions of workers whose lease has ended are suspended
-- token         a random text: names the store's content if another history begins
-- answers       map: renewed, online, workers, incarnation, inbox (sessions), lost (list of
--               {position in pulses, "unknown" or "taken_over"}), suspended (sessions), at

local worker = input.worker

-- Answers whether the lease still ran, and whether this worker stood still.
local function renew()
  local ends = lease_of(worker.id)
  local runs = ends ~= nil and ends >= now
  local was_still = not runs and stood_still(worker.id)
  if not runs then notice_step() end
  call('ZREM', key('lost_workers'), worker.id)
  call('ZADD', key('workers'), now + input.lease_ms, worker.id)
  call('ZADD', key('beats'), now, worker.id)
  call('HSET', key('connections'), worker.id, worker.connections)
  return runs, was_still
end

-- The totals grow by what was counted since the report before: a repeat adds nothing.
local function report()
  local own, names, set = key('worker', worker.id), {}, {'report', worker.report}
  for name in pairs(worker.counts) do names[#names + 1] = name end
  local told = call('HMGET', own, unpack(names))
  for i, name in ipairs(names) do
    local count = worker.counts[name]
    local more = count - tonumber(told[i] or 0)
    if more ~= 0 then
      call('HINCRBY', key('registry'), name, more)
      set[#set + 1] = name
      set[#set + 1] = count
    end
  end
  call('HSET', own, unpack(set))
end

local PULSE = 7 -- values of each

local function pulse_at(i)
  local id, generation, idle_ms, missed, visibility, values, rooms =
    unpack(input.pulses, i, i + PULSE - 1)
  return {
    id = id, generation = generation, idle_ms = idle_ms, missed = missed,
    visibility = visibility, values = values, rooms = rooms or nil,
  }
end

local function loss_of(s, told)
  if not s then return 'unknown' end
  if tonumber(s.generation) > told then return 'taken_over' end
  if s.worker ~= worker.id or s.state == 'closing' then return 'unknown' end
end

local function change_rooms(s, rooms)
  if rooms == (s.rooms or '') then return end
  go_out(s)
  save_rooms(s, rooms)
  come_into(s)
end

-- What one command tells of all that are reported: of each whether the worker holds it in which
-- generation, when it beat last, and whether it has misses.
local function known_of(ids)
  return call('HMGET', key('held', worker.id), unpack(ids)),
    call('ZMSCORE', key('connected'), unpack(ids)),
    call('SMISMEMBER', key('unstable'), unpack(ids))
end

-- When a session beat last, by a clock that has been set back since.
local function in_the_past(id)
  local s = session_of(id)
  if s then set_right(s) end
  return now
end

-- Of the common case only what is news is written, and the last beats of all together. A number
-- is given as a text: Redis would write out 17 digits of it, each time that it is handed over.
local function report_sessions()
  local pulses, sessions, ids = input.pulses, key('session', ''), {}
  for i = 1, #pulses, PULSE do ids[#ids + 1] = pulses[i] end
  if #ids == 0 then return {} end
  local held, last_beats, unstable = known_of(ids)
  local lost, beats, told = {}, {}, {}

  local function tell(n, i, last_beat, had_misses)
    local id, missed = ids[n], pulses[i + 3]
    last_beat = math.max(tonumber(last_beat), now - pulses[i + 2])
    if last_beat > now then last_beat = in_the_past(id) end
    last_beat = string.format('%.0f', last_beat)
    local is_new = call('HSET', sessions .. id, 'last_beat', last_beat, 'visibility', pulses[i + 4],
      'values', pulses[i + 5], 'missed', missed > 0 and missed or '0') == 4
    if is_new then -- somebody else has taken its hash away: forget what is left
      call('DEL', sessions .. id)
      indexed(id, key('held', worker.id))
      lost[#lost + 1] = {n, 'unknown'}
      return
    end
    if missed > 0 or had_misses then call(missed > 0 and 'SADD' or 'SREM', key('unstable'), id) end
    if pulses[i + 6] then change_rooms(session_of(id), pulses[i + 6]) end
    beats[#beats + 1] = last_beat
    beats[#beats + 1] = id
    told[id] = true -- what was asked of it is no longer so
  end

  for n, id in ipairs(ids) do
    local i = (n - 1) * PULSE + 1
    if last_beats[n] and held[n] and tonumber(held[n]) == pulses[i + 1] and not told[id] then
      tell(n, i, last_beats[n], unstable[n] == 1)
    else
      local s = session_of(id)
      local loss = loss_of(s, pulses[i + 1])
      if loss then
        lost[#lost + 1] = {n, loss}
      elseif s.state == 'suspended' then
        take_up(s, pulse_at(i))
      else
        call('HSET', key('held', worker.id), id, s.generation) -- if that was taken away
        tell(n, i, s.last_beat, true)
      end
    end
  end
  if #beats > 0 then call('ZADD', key('connected'), unpack(beats)) end
  return lost
end

local function inbox()
  local asked = {}
  for _, id in ipairs(call('ZRANGE', key('inbox', worker.id), 0, input.batch - 1)) do
    asked[#asked + 1] = indexed(id, key('inbox', worker.id))
  end
  return asked
end

-- What was told to another history may be missing in this one.
local function incarnation()
  local info = redis.pcall('INFO', 'replication')
  local place = key('history')
  local name = type(info) == 'string' and history(input.token, info)
  if not name then -- this user of Redis may not ask
    call('HSETNX', place, 'name', input.token)
    name = call('HGET', place, 'name')
  end
  call('HSET', place, 'seen', string.format('%.0f', now))
  return name
end

go_on_when_full()
local renewed, lost, suspended = false, {}, {}
if call('ZSCORE', key('workers'), worker.id) or not is_late(worker.id) then
  local was_still
  renewed, was_still = renew()
  report()
  lost = report_sessions()
  suspended = input.suspend_lost and not was_still and suspend_lost(input.batch) or {}
end
local running = leased()
local online = 0
for _, count in ipairs(running[1] and call('HMGET', key('connections'), unpack(running)) or {}) do
  online = online + tonumber(count or 0)
end
return answer({
  renewed = renewed, online = online, workers = #running, incarnation = incarnation(),
  inbox = inbox(), lost = lost, suspended = suspended, at = now,
})
