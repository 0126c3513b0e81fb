-- Give a worker's lease back and suspend what it still has, a batch at a time. Its tombstone
-- keeps out what it has asked for before and comes later.
--
-- worker   who leaves
-- after    the id with which the step before ended, or ""
-- answers  map: sessions (suspended by this step or an earlier call), and more: whether
--          there is another step

local worker, mark = input.worker, input.worker .. ' left'

go_on_when_full()
bury(worker)
if call('ZSCORE', key('workers'), worker) then end_lease(worker, now - 1) end

local function changes_of()
  return {
    state = 'suspended', worker = '', claimant = mark, end_code = 1006, end_reason = 'worker left',
  }
end

local left = held_by(worker, input.batch)
if left[1] then
  move_all(left, changes_of, now + input.resume_ms)
  enter_all(key('claims', mark), '0', left)
end
if call('EXISTS', key('held', worker)) == 1 then
  return answer({sessions = {}, more = true})
end

local sessions = {}
local range = {input.after == '' and '-' or '(' .. input.after, '+', 'LIMIT', 0, input.batch}
local found = call('ZRANGEBYLEX', key('claims', mark), unpack(range))
for _, id in ipairs(found) do
  local s = indexed(id, key('claims', mark))
  if s then sessions[#sessions + 1] = record(s) end
end
return answer({sessions = sessions, more = #sessions > 0 and #found == input.batch})
