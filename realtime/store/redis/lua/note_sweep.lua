-- Remember the last sweep.
--
-- report   JSON
-- answers  nil

go_on_when_full()
call('HSET', key('registry'), 'last_sweep', input.report, 'last_sweep_at', now)
return answer(nil)
