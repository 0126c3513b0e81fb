-- List the samples, oldest first.
--
-- after    only those taken after this time, unless it is in the future
-- kept_ms  how long samples are kept
-- answers  list of JSON texts

local since = math.max(input.after <= now and input.after or 0, now - input.kept_ms)
return answer(call('ZRANGEBYSCORE', key('samples'), above(since), now))
