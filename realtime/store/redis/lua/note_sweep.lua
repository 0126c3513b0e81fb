-- Store the report of the last sweep.
--
-- report   JSON
-- answers  nil

allow_when_full()
call('HSET', key('registry'), 'last_sweep', input.report, 'last_sweep_at', now)
return answer(nil)
