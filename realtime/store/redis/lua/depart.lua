-- Mark connections as ended: their sessions are suspended, or closing.
--
-- worker      whose they are
-- state       "suspended" or "closing"
-- claimant    who closes them; the worker itself if they are suspended
-- departures  list of maps: id, generation, connection, idle_ms, missed, visibility, values,
--             rooms or nil, code, reason; a connection other than "" stands for the generation,
--             the values and the rooms, and gets a tombstone: it was given up
-- answers     the sessions, in their order; those of a repeat too

local deadline = now + (input.state == 'closing' and input.claim_ms or input.resume_ms)

local function is_meant(s, departure)
  if departure.connection ~= '' then return s.connection == departure.connection end
  return tonumber(s.generation) == departure.generation
end

local function changes_of(s, departure)
  local changes = {
    state = input.state, worker = '', claimant = input.claimant,
    last_beat = last_life(s, departure.idle_ms),
    end_code = departure.code, end_reason = departure.reason,
  }
  if departure.connection == '' then
    changes.missed, changes.visibility = departure.missed, departure.visibility
    changes.values = departure.values
  end
  return changes
end

-- Who was suspended has left them already, which is told only once.
local function rooms_after(s, departure)
  if s.state == 'suspended' then return '' end
  return departure.connection == '' and departure.rooms or nil
end

local function was_moved(s)
  return s.state == input.state and s.claimant == input.claimant and not s.worker
end

local ended = {}
for _, departure in ipairs(input.departures) do
  if departure.connection ~= '' then
    go_on_when_full()
    bury(departure.connection)
  end
  local s = session_of(departure.id)
  if s and is_meant(s, departure) then
    local is_own = s.worker == input.worker and s.state ~= 'closing'
    if is_own then
      move(s, changes_of(s, departure), deadline, rooms_after(s, departure))
      if s.state == 'closing' then bury_session(s, departure.code, departure.reason) end
    end
    if is_own or was_moved(s) then ended[#ended + 1] = record(s) end
  end
end
return answer(ended)
