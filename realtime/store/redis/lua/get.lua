-- Read one session.
--
-- session  its id
-- answers  the session; nil if it is unknown or closing

local s = session_of(input.session)
return answer(s and s.state ~= 'closing' and record(s) or nil)
