-- Where the logs of rooms end. A quiet log is remembered for longer when somebody asks.
--
-- answers  list of {epoch, top, oldest}

local ends = {}
for i = 2, #KEYS do
  local log = log_of(KEYS[i])
  if not log.is_new and call('PTTL', log.meta) < input.meta_ttl_ms / 2 then
    call('PEXPIRE', log.meta, input.meta_ttl_ms)
  end
  ends[i - 1] = {log.epoch, log.top, oldest_of(log)}
end
return cmsgpack.pack(ends)
