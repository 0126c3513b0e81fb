-- Store a sample, unless its time has one; delete old ones and those in the future.
--
-- at, sample (JSON)  the new one
-- kept_ms            how long samples are kept
-- answers            nil

allow_when_full()
if call('ZCOUNT', key('samples'), input.at, input.at) == 0 then
  call('ZADD', key('samples'), input.at, input.sample)
end
call('ZREMRANGEBYSCORE', key('samples'), '-inf', below(input.at - input.kept_ms))
call('ZREMRANGEBYSCORE', key('samples'), above(now), '+inf')
return answer(nil)
