-- Tombstones: late calls do not bring back what has ended.
--
-- A connection gets one when its worker abandons it, a worker when it leaves, a session when it is
-- closed. A session's tombstone may hold a verdict for the client that has its token, from since to
-- told_until: code, reason, and the session's token_hash, user and login.

local function find_tombstones(names)
  local keys, found = {}, {}
  for i, name in ipairs(names) do keys[i] = key('tomb', name) end
  for i, text in ipairs(call('MGET', unpack(keys))) do
    local tombstone = text and cmsgpack.unpack(text)
    if tombstone and now < tombstone.ends then found[names[i]] = tombstone end
  end
  return found
end

-- Whether one of these has a tombstone, so that a call about it comes too late.
local function has_tombstone(...)
  return next(find_tombstones({...})) ~= nil
end

local function add_tombstone(name, tombstone)
  tombstone = tombstone or {}
  local kept_ms = math.max(input.tombstone_ms, (tombstone.told_until or 0) - now)
  tombstone.ends = now + kept_ms
  call('SET', key('tomb', name), cmsgpack.pack(tombstone), 'PX', kept_ms)
end

-- With a verdict if the code is final.
local function add_session_tombstone(s, code, reason)
  if tonumber(code) < input.final then return add_tombstone(s.id) end
  add_tombstone(s.id, {
    code = tonumber(code), reason = reason, since = now, told_until = now + input.resume_ms,
    token_hash = s.token_hash, user = s.user, login = s.login,
  })
end
