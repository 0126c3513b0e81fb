-- Give a worker's lease back and suspend its sessions, a batch at a time. Its tombstone refuses
-- calls that it sent before and that arrive later.
--
-- worker   the one that leaves
-- after    the last id of the step before, or ""
-- answers  map: sessions (suspended by this step or an earlier call), more (whether another step is
--          needed)

local worker, claimant = input.worker, input.worker .. ' left'

allow_when_full()
add_tombstone(worker)
if call('ZSCORE', key('workers'), worker) then end_lease(worker, now - 1) end

local function changes_of()
  return {
    state = 'suspended', worker = '', claimant = claimant, end_code = 1006, end_reason = 'worker left',
  }
end

local remaining = sessions_held_by(worker, input.batch)
if remaining[1] then
  move_sessions(remaining, changes_of, now + input.resume_ms)
  add_all(key('claims', claimant), '0', remaining)
end
if call('EXISTS', key('held', worker)) == 1 then
  return answer({sessions = {}, more = true})
end

local sessions = {}
local range = {input.after == '' and '-' or '(' .. input.after, '+', 'LIMIT', 0, input.batch}
local found = call('ZRANGEBYLEX', key('claims', claimant), unpack(range))
for _, id in ipairs(found) do
  local s = session_in_index(id, key('claims', claimant))
  if s then sessions[#sessions + 1] = record(s) end
end
return answer({sessions = sessions, more = #sessions > 0 and #found == input.batch})
