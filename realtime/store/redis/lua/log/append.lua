-- Append requests, each to the room of the key at its position: the first to that of KEYS[2].
--
-- requests   list of maps: data, and key if it has one
-- length, bytes            the bounds of a log
-- kept_ms  how long a key is remembered
-- answers  list of {epoch, offset, time, whether this call appended it}

-- Drops the oldest entries beyond the bounds, but never the newest.
local function trim(log, length)
  while length > input.length or log.size > input.bytes and length > 1 do
    local oldest = call('LPOP', log.list)
    log.size = log.size - (#oldest - oldest:find(' ', 1, true))
    length = length - 1
  end
end

local function append(log, data)
  local length = call('RPUSH', log.list, string.format('%.0f ', now) .. data)
  if length == 1 then log.size = 0 end  -- the entries before have expired
  log.top = log.top + 1
  log.size = log.size + #data
  trim(log, length)
  call('HSET', log.meta, 'top', log.top, 'size', log.size, 'at', string.format('%.0f', now),
    'begun', present, 'history', replid)
  call('PEXPIRE', log.list, input.ttl_ms)
  call('PEXPIRE', log.meta, input.meta_ttl_ms)
  return {log.epoch, log.top, now, true}
end

local function find_result(name)
  local epoch, offset, at = (call('GET', name) or ''):match('(%S+) (%d+) (%d+)')
  if not epoch or is_over(tonumber(at), input.kept_ms) then return nil end
  return {epoch, tonumber(offset), tonumber(at), false}
end

local answers = {}
for i, request in ipairs(input.requests) do
  local name = request.key and KEYS[i + 1] .. 'key:' .. request.key
  local answer = name and find_result(name)
  if not answer then
    answer = append(log_of(KEYS[i + 1], true), request.data)
    if name then
      call('SET', name, string.format('%s %.0f %.0f', unpack(answer, 1, 3)), 'PX', input.kept_ms)
    end
  end
  answers[i] = answer
end
return cmsgpack.pack(answers)
