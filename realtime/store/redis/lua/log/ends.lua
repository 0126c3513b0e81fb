-- Read where the logs of rooms end.
--
-- keep     whether to keep quiet logs for longer, and to begin logs where others have expired
-- answers  list of {epoch, top, oldest}

local ends = {}
for i = 2, #KEYS do
  local log = log_of(KEYS[i], false, not input.keep)
  local stays = log.is_new or not input.keep
  local left = stays and input.meta_ttl_ms or call('PTTL', log.meta)
  if left < input.meta_ttl_ms / 2 or left > 2 * input.meta_ttl_ms then
    call('PEXPIRE', log.meta, input.meta_ttl_ms)
  end
  ends[i - 1] = {log.epoch, log.top, oldest_of(log)}
end
return cmsgpack.pack(ends)
