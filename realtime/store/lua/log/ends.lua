-- Where the logs of rooms end. A quiet log is remembered for longer when somebody asks.
--
-- answers  list of {epoch, top, oldest}

local ends = {}
for i, prefix in ipairs(KEYS) do
  local log = log_of(prefix)
  if call('PTTL', log.meta) < input.meta_ttl_ms / 2 then
    call('PEXPIRE', log.meta, input.meta_ttl_ms)
  end
  ends[i] = {log.epoch, log.top, oldest_of(log)}
end
return cmsgpack.pack(ends)
