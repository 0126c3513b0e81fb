-- The samples, oldest first.
--
-- after    only those taken after this time
-- kept_ms  how long samples are kept
-- answers  list of JSON texts

local since = math.max(input.after, now - input.kept_ms)
return answer(call('ZRANGEBYSCORE', key('samples'), below(since), '+inf'))
