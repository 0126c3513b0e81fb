-- Count the sessions connected and in a room, and their users.
--
-- room     its name
-- answers  {sessions, users}

return answer({call('ZCARD', key('room', input.room)), call('HLEN', key('present', input.room))})
