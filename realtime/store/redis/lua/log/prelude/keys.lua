-- The keys and the clock of the message log. Begins every script of this folder.
--
-- KEYS[1]  the prefix of all keys with its hash tag, such as "{realtime}:"
-- KEYS     from the second on, for each room or request, the prefix of its keys, such as
--          "{realtime}:log:chat/"
-- ARGV[1]  one msgpack map: the fields of the script's own header, and for all scripts epoch (a random
--          name for a new epoch), ttl_ms, meta_ttl_ms and offset_ms (0 except in tests)
-- answers  one msgpack value
--
-- Two keys stay, half a mebibyte: log:/base, a hash, and log:/marks, a bitmap, see log.lua. Those of a
-- room all expire; a room without publications has none.
--
-- meta       hash: epoch, top (the newest offset), size (bytes of all data), at (when something was
--            appended last), begun (the history in which it began), history (its replid, for older
--            releases)
-- entries    list: the kept entries, oldest first, each "<time> <data>"
-- key:<key>  text: where the request with this key was put, "<epoch> <offset> <time>"

local call = redis.call
local input = cmsgpack.unpack(ARGV[1])
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + input.offset_ms

local function key(name)
  return KEYS[1] .. name
end
