-- Write a little and delete it. Without allow_when_full, so that Redis refuses it like a new session
-- when its memory is full.
--
-- answers  nil

call('SET', key('probe'), now, 'PX', 1000)
call('DEL', key('probe'))
return answer(nil)
