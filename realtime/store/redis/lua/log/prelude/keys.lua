-- Stands in front of every script of the message log: the keys, and the clock.
--
-- KEYS[1]  the prefix of all keys with its hash tag, such as "{realtime}:"
-- KEYS     from the second on, for each room, or draft, what the names of its keys begin with, such as
--          "{realtime}:log:chat/"
-- ARGV[1]  one msgpack map: what the script's own header says, and for all of them epoch (a random
--          name for what begins anew), ttl_ms, meta_ttl_ms and offset_ms (0 but in tests)
-- answers  one msgpack value
--
-- The keys that stay, half a mebibyte: log:/base, a hash, and log:/marks, a bitmap, see log.lua. Those
-- of a room, which all expire; without publications there are none.
--
-- meta       hash: epoch, top (the newest offset), size (bytes of all data), at (when something was
--            appended last), begun (the history that it was begun in), history (Redis' own name of
--            that, for older releases of this)
-- entries    list: what is kept, oldest first, each "<time> <data>"
-- key:<key>  text: where a draft with this key was put, "<epoch> <offset> <time>"

local call = redis.call
local input = cmsgpack.unpack(ARGV[1])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + input.offset_ms

local function key(name)
  return KEYS[1] .. name
end
