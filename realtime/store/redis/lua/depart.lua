-- Mark connections as ended: their sessions are suspended, or closing.
--
-- worker      the one that reports them
-- state       "suspended" or "closing"
-- claimant    the one that closes them; the worker itself if they are suspended
-- departures  list of maps: id, generation, connection, idle_ms, missed, visibility, values,
--             rooms or nil, presence or nil, code, reason; a connection other than "" replaces the
--             generation, values, rooms and presence, and gets a tombstone: its worker abandoned it
-- answers     the sessions, in their order, also on a repeat

local deadline = now + (input.state == 'closing' and input.claim_ms or input.resume_ms)

local function concerns(departure, s)
  if departure.connection ~= '' then return s.connection == departure.connection end
  return tonumber(s.generation) == departure.generation
end

local function changes_of(s, departure)
  local changes = {
    state = input.state, worker = '', claimant = input.claimant,
    last_beat = latest_beat(s, departure.idle_ms),
    end_code = departure.code, end_reason = departure.reason,
  }
  if departure.connection == '' then
    changes.missed, changes.visibility = departure.missed, departure.visibility
    changes.values = departure.values
  end
  return changes
end

-- A suspended session has left its rooms already; members heard of that once.
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
    allow_when_full()
    add_tombstone(departure.connection)
  end
  local s = session_of(departure.id)
  if s and concerns(departure, s) then
    local is_own = s.worker == input.worker and s.state ~= 'closing'
    if is_own then
      move(s, changes_of(s, departure), deadline, rooms_after(s, departure))
      if s.state == 'closing' then
        add_session_tombstone(s, departure.code, departure.reason)
      elseif departure.connection == '' then
        save_presence(s, departure.presence)
      end
    end
    if is_own or was_moved(s) then ended[#ended + 1] = record(s) end
  end
end
return answer(ended)
