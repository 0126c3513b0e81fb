-- Stands in front of every script, and the other files of this folder after it: the keys, and the
-- clock.
--
-- KEYS[1]  the prefix of all keys with its hash tag, such as "{realtime}:"
-- ARGV[1]  one msgpack map: what the script's own header says, and for all of them lease_ms,
--          resume_ms, session_ms, claim_ms, late_ms, offset_ms (0 but in tests), final and batch
-- answers  one msgpack value
--
-- The keys; sorted sets where nothing else is said, each with what it is sorted by.
--
-- session:<id>        hash: what stands of a session; what would be empty is left out
-- about:<id>          text: the rest of its peer, as JSON that no script looks into
-- rooms:<id>          text: its rooms with spaces between them, a line's end, and its user; only
--                     if there are any, which the hash says
-- started, ids        all that are connected or suspended: by start, by name
-- user:<u>, address:<a>, login:<l>    those of one: by start
-- room:<r>            connected and in it: by start
-- present:<r>         hash: how many of those each user has
-- connected, idle     the connected, the suspended: by last beat
-- suspended           the same: by the end of the resume window; 0 if asked to end for good
-- closing             by the end of the claim
-- since               suspended or closing: by when that end was set, see believed
-- held:<worker>       hash: connected there, and the generation of each
-- lost:<worker>       set: suspended, but it may take them up again
-- inbox:<worker>      connected there and asked to close: 0 for good, 1 otherwise
-- claims:<claimant>   closing, claimed by it; suspended, when this worker left: by name
-- users               hash: how many connected sessions each user has
-- unstable            set: connected with misses
-- workers             those not known to be lost: by the end of the lease
-- beats               the same: by their last beat
-- lost_workers        the others, and those that left: by the end of the lease
-- worker:<id>         hash: its report; of a lost one, only what it had counted
-- connections         hash: how many each of the workers has
-- registry            hash: totals of all time, the last sweep, and when a worker noticed last that the
--                     clock was set back (set_back_at), and from when (set_back_from)
-- samples             by their time
-- history             hash, see history.lua: names this content
-- probe               text: never there for longer than a script
-- ended:<kind>:<of>   text that expires: that the end of a "login", "user" or "session" was asked for
-- tomb:<name>         text that expires: the tombstone of a session, a connection or a worker

local call = redis.call
local prefix, put_together = KEYS[1], {}
local input = cmsgpack.unpack(ARGV[1])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + input.offset_ms
-- Who beat last before this is no longer believed to be connected.
local silent = now - input.session_ms - input.lease_ms
-- A time after this was told by a clock that has been set back since: whatever began then is over.
-- A smaller step changes nothing.
local believed = now + input.lease_ms

-- A key's name; what a script asks for again and again is put together once.
local function key(name, of)
  if of then return prefix .. name .. ':' .. of end
  local known = put_together[name] or prefix .. name
  put_together[name] = known
  return known
end

local function answer(value)
  return cmsgpack.pack(value)
end

-- Redis refuses a script's first write where its memory is full, unless it takes something
-- away, and no later one. Called first by those that hardly need more than there is.
local function go_on_when_full()
  call('DEL', key('nothing'))
end

-- What lies beyond a score, on either side. Written out in full: Lua itself would round what is
-- longer than 14 digits.
local function below(score)
  return '(' .. string.format('%.0f', score)
end

local above = below
