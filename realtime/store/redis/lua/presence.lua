-- Read the presence of some rooms.
--
-- rooms    list of {room, the version that the caller knows}
-- most     how many users are listed at most
-- answers  map: incarnation, examined (how many rooms: the rest needs another call), and rooms: list
--          of {room, version, sessions, users, listed or nil} of those with another version; listed is
--          a map of users to descriptions

-- The description of a user, that of the session whose id sorts last; nil if Redis has evicted it.
local function description_of(room, user)
  local first = beginning_of(user)
  local last = call('ZREVRANGEBYLEX', key('here', room), '(' .. first .. '\255', '[' .. first,
    'LIMIT', 0, 1)[1]
  return last and call('HGET', key('described', last:sub(#first + 1)), room) or nil
end

local function listed(room, users)
  if users == 0 or users > input.most then return nil end
  local descriptions = {}
  for _, user in ipairs(call('HKEYS', key('here_users', room))) do
    descriptions[user] = description_of(room, user)
  end
  return descriptions
end

local incarnation = call('HGET', key('history'), 'name') or ''
local changed, examined, described = {}, 0, 0
for _, asked in ipairs(input.rooms) do
  if described >= input.batch then break end
  examined = examined + 1
  local room, known = unpack(asked)
  local version = incarnation .. ':' .. (call('HGET', key('here_versions'), room) or '')
  if version ~= known then
    local users = call('HLEN', key('here_users', room))
    described = described + math.min(users, input.most)
    changed[#changed + 1] = {
      room, version, call('ZCARD', key('here', room)), users, listed(room, users),
    }
  end
end
return answer({incarnation = incarnation, examined = examined, rooms = changed})
