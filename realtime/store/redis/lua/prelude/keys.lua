-- The keys and the clock. Begins every script; the other files of this folder follow.
--
-- KEYS[1]  the prefix of all keys with its hash tag, such as "{realtime}:"
-- ARGV[1]  one msgpack map: the fields of the script's own header, and for all scripts lease_ms,
--          resume_ms, session_ms, claim_ms, tombstone_ms, requested_end_ms, offset_ms (0 except in
--          tests), final and batch
-- answers  one msgpack value
--
-- The keys; sorted sets unless noted otherwise, each with its score.
--
-- session:<id>        hash: the fields of a session, without empty ones
-- about:<id>          text: the rest of its peer, as JSON that no script reads
-- rooms:<id>          text: its rooms separated by spaces, a newline, and its user; only if the hash
--                     says that there are any
-- started, ids        connected or suspended: by start, by name
-- user:<u>, address:<a>, login:<l>    the same, of one user, address or login: by start
-- room:<r>            connected and in it: by start
-- present:<r>         hash: how many of those each user has
-- described:<id>      hash: the rooms where it is present, each with the description of its user; and
--                     under an empty name that user
-- here:<room>         present in it: by user and name, all scores 0
-- here_users:<room>   hash: how many of those each user has
-- here_versions       hash: of each room with any of them a number that changes with them
-- connected, idle     the connected, the suspended: by last beat
-- suspended           by the end of the resume window; 0 if a final end was requested
-- closing             by the end of the claim
-- since               suspended or closing: by when that end was set, see latest_plausible
-- held:<worker>       hash: connected there, and the generation of each
-- lost:<worker>       set: suspended, but the worker may reattach them
-- inbox:<worker>      connected there, end requested: 0 if final, 1 otherwise
-- claims:<claimant>   closing, claimed by it; suspended, when this worker left: by name
-- users               hash: how many connected sessions each user has
-- unstable            set: connected with misses
-- workers             not marked as lost: by the end of the lease
-- beats               the same: by their last beat
-- lost_workers        lost, or left: by the end of the lease
-- worker:<id>         hash: its report and counts, and until when it suspends no session because it
--                     stood still (still_until); of a lost one only the counts
-- connections         hash: how many connections each worker has
-- registry            hash: totals of all time, the last number in here_versions (presences), the last
--                     sweep, and when a worker last noticed that the
--                     clock was set back (set_back_at), and from which time (set_back_from)
-- samples             by their time
-- history             hash, see history.lua: names this content
-- probe               text: only exists while a script runs
-- ended:<kind>:<of>   text that expires: the requested end of a "login", "user" or "session"
-- tomb:<name>         text that expires: the tombstone of a session, a connection or a worker

local call = redis.call
local prefix, key_names = KEYS[1], {}
local input = cmsgpack.unpack(ARGV[1])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + input.offset_ms
-- A session whose last beat is before this is dead.
local oldest_live = now - input.session_ms - input.lease_ms
-- A time after this was written by a clock that was set back since: what began then is over. A smaller
-- step back changes nothing.
local latest_plausible = now + input.lease_ms

-- The name of a key. Names without an id are built once.
local function key(name, of)
  if of then return prefix .. name .. ':' .. of end
  local known = key_names[name] or prefix .. name
  key_names[name] = known
  return known
end

local function answer(value)
  return cmsgpack.pack(value)
end

-- When its memory is full, Redis refuses a script whose first write does not delete; later writes are
-- allowed. Scripts that need hardly more memory call this first.
local function allow_when_full()
  call('DEL', key('nothing'))
end

-- An exclusive limit of a range of scores. Formatted here, as Lua would round to 14 digits.
local function below(score)
  return '(' .. string.format('%.0f', score)
end

local above = below
