-- Renew a worker's lease and report some of its sessions.
--
-- worker        map: id, report (JSON), connections, and counts: a map
-- pulses        list of maps: id, generation, idle_ms, missed, visibility, values, rooms or nil
-- suspend_lost  whether sessions of workers whose lease has ended are suspended
-- token         a random text: names the store's content if nothing does yet
-- answers       map: renewed, online, workers, incarnation, inbox (sessions), lost (list of
--               {position in pulses, "unknown" or "taken_over"}), suspended (sessions)

local worker = input.worker

local function renew()
  local lease_until = call('ZSCORE', key('workers'), worker.id)
  if not lease_until then call('ZREM', key('lost_workers'), worker.id) end
  call('ZADD', key('workers'), now + input.lease_ms, worker.id)
  call('HSET', key('connections'), worker.id, worker.connections)
  return lease_until ~= false and tonumber(lease_until) >= now
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

local function loss_of(generation, owner, state, pulse)
  if not generation then return 'unknown' end
  if tonumber(generation) > pulse.generation then return 'taken_over' end
  if owner ~= worker.id or state == 'closing' then return 'unknown' end
end

local function change_rooms(s, rooms)
  if rooms == (s.rooms or '') then return end
  go_out(s)
  save_rooms(s, rooms)
  come_into(s)
end

-- The common case, in two commands; the last beats of all are written together.
local function hear(pulse, was)
  local last_beat = last_life(was, pulse.idle_ms)
  call('HSET', key('session', pulse.id), 'last_beat', last_beat, 'missed', pulse.missed,
    'visibility', pulse.visibility, 'values', pulse.values)
  if (pulse.missed > 0) ~= (tonumber(was.missed) > 0) then
    call(pulse.missed > 0 and 'SADD' or 'SREM', key('unstable'), pulse.id)
  end
  if pulse.rooms then change_rooms(session_of(pulse.id), pulse.rooms) end
  return last_beat
end

local function report_sessions()
  local lost, beats = {}, {}
  for i, pulse in ipairs(input.pulses) do
    local generation, owner, state, last_beat, missed = unpack(call('HMGET',
      key('session', pulse.id), 'generation', 'worker', 'state', 'last_beat', 'missed'))
    local loss = loss_of(generation, owner, state, pulse)
    if loss then
      lost[#lost + 1] = {i, loss}
    elseif state == 'suspended' then
      take_up(session_of(pulse.id), pulse)
    else
      beats[#beats + 1] = hear(pulse, {last_beat = last_beat, missed = missed})
      beats[#beats + 1] = pulse.id
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

-- Another token, or another server: what was told to the one before may be missing here.
local function incarnation()
  call('SET', key('incarnation'), input.token, 'NX')
  local info = redis.pcall('INFO', 'server')
  local run = type(info) == 'string' and info:match('run_id:(%w+)') or ''
  return call('GET', key('incarnation')) .. run
end

go_on_when_full()
local renewed = renew()
report()
local lost = report_sessions()
local suspended = input.suspend_lost and suspend_lost(input.batch) or {}
local leased = call('ZRANGEBYSCORE', key('workers'), now, '+inf')
local online = 0
for _, count in ipairs(call('HMGET', key('connections'), unpack(leased))) do
  online = online + tonumber(count or 0)
end
return answer({
  renewed = renewed, online = online, workers = #leased, incarnation = incarnation(),
  inbox = inbox(), lost = lost, suspended = suspended,
})
