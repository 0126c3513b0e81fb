-- Write a little and leave nothing. Not after go_on_when_full: where the memory is full, this is
-- refused like a new session.
--
-- answers  nil

call('SET', key('probe'), now, 'PX', 1000)
call('DEL', key('probe'))
return answer(nil)
