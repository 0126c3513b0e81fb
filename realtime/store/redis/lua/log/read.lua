-- Read the entries after an offset of one room's log.
--
-- after      the offset
-- limit      the most entries
-- max_bytes  the most bytes of data, but at least one entry
-- answers    {{epoch, top, oldest}, list of entries "<time> <data>"}

local STEP = 16  -- entries read together: they may be large

local log = log_of(KEYS[2])
local oldest = oldest_of(log)
local entries, bytes = {}, 0

-- Takes the entries that fit; returns whether there may be more.
local function take(found)
  for _, entry in ipairs(found) do
    bytes = bytes + #entry - entry:find(' ', 1, true)
    if #entries == input.limit or #entries > 0 and bytes > input.max_bytes then return false end
    entries[#entries + 1] = entry
  end
  return #found == STEP
end

local first = input.after + 1 - oldest  -- its place in the list
if first >= 0 and not log.is_new then
  repeat
    local place = first + #entries
  until not take(call('LRANGE', log.list, place, place + STEP - 1))
end
return cmsgpack.pack({{log.epoch, log.top, oldest}, entries})
