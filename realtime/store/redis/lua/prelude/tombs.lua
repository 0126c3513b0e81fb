-- Tombstones: what is over must not come back, whatever arrives late.
--
-- A connection has one once its worker has given it up, a worker once it has left, a session once
-- it was closed. A session's tombstone may hold a verdict, which a client that has its token is
-- told since then until told_until: code, reason, and whose it was: token_hash, user, login.

local function tombs_of(names)
  local keys, tombs = {}, {}
  for i, name in ipairs(names) do keys[i] = key('tomb', name) end
  for i, text in ipairs(call('MGET', unpack(keys))) do
    local tomb = text and cmsgpack.unpack(text)
    if tomb and now < tomb.ends then tombs[names[i]] = tomb end
  end
  return tombs
end

-- Whether a call about one of these comes too late.
local function is_late(...)
  return next(tombs_of({...})) ~= nil
end

local function bury(name, tomb)
  tomb = tomb or {}
  local kept_ms = math.max(input.late_ms, (tomb.told_until or 0) - now)
  tomb.ends = now + kept_ms
  call('SET', key('tomb', name), cmsgpack.pack(tomb), 'PX', kept_ms)
end

-- With a verdict if the code is final.
local function bury_session(s, code, reason)
  if tonumber(code) < input.final then return bury(s.id) end
  bury(s.id, {
    code = tonumber(code), reason = reason, since = now, told_until = now + input.resume_ms,
    token_hash = s.token_hash, user = s.user, login = s.login,
  })
end
