-- Who is in a room, in numbers.
--
-- room     its name
-- answers  {sessions, users}

return answer({call('ZCARD', key('room', input.room)), call('HLEN', key('present', input.room))})
