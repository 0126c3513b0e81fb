-- Remember the last sweep.
--
-- report   JSON
-- answers  nil

call('HSET', key('registry'), 'last_sweep', input.report, 'last_sweep_at', now)
return answer(nil)
