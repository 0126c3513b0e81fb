-- Give a session the digest of a new login.
--
-- session, connection, login  the session's id, its connection's name, and the digest
-- answers                     map: session, or verdict: a map: code, reason; nil if the session is
--                             unknown, closing or has another connection

allow_when_full()
local s = session_of(input.session)
if not s or s.state == 'closing' or s.connection ~= input.connection then return answer(nil) end
local requested = input.login ~= ''
  and requested_end('login', input.login, input.requested_end_ms)
if requested then return answer({verdict = {code = requested.code, reason = requested.words}}) end
save_login(s, input.login)
return answer({session = record(s)})
