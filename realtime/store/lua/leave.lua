-- Give a worker's lease back and suspend what it still has, a batch at a time.
--
-- worker   who leaves
-- after    the id with which the step before ended, or ""
-- answers  map: sessions (suspended by this step or an earlier call), and more: whether
--          there is another step

local worker, mark = input.worker, input.worker .. ' left'

if call('ZREM', key('workers'), worker) == 1 then
  call('ZADD', key('lost_workers'), now - 1, worker)
  call('HDEL', key('connections'), worker)
  call('HDEL', key('worker', worker), 'report')
end

for _, id in ipairs(call('HRANDFIELD', key('held', worker), input.batch)) do
  local s = indexed(id, key('held', worker))
  local changes = {
    state = 'suspended', worker = '', claimant = mark,
    end_code = 1006, end_reason = 'worker left',
  }
  if s then
    move(s, changes, now + input.resume_ms)
    call('ZADD', key('claims', mark), 0, id)
  end
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
