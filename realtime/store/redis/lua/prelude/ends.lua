-- Ends that were asked for a moment ago: who was on the way to a session then hears of them, too.

-- Whose end it may be, and within how many ms of it a connection hears of it: a login that has
-- ended is worth nothing, a user who was sent away may come again.
local function ends_about(opening)
  return {
    {'login', opening.login, input.ended_ms},
    {'user', opening.user, math.min(opening.age_ms, input.ended_ms)},
    {'session', opening.id, math.min(opening.age_ms, input.ended_ms)},
  }
end

local function end_of(kind, value, within_ms)
  local text = call('GET', key('ended', kind .. ':' .. value))
  local known = text and cmsgpack.unpack(text)
  local ago = known and now - known.at
  -- One far ahead was told by a clock that has been set back since.
  if known and ago > -input.ended_ms and ago < within_ms then return known end
end

-- What was asked for good is not softened.
local function remember_end(kind, value, request)
  local known = end_of(kind, value, input.ended_ms)
  if known and known.code >= input.final and request.code < input.final then return end
  local text = cmsgpack.pack({at = now, code = request.code, words = request.words})
  call('SET', key('ended', kind .. ':' .. value), text, 'PX', input.ended_ms)
end

-- The end that this connection hears of instead of a session, or nil.
local function end_for(opening)
  for _, about in ipairs(ends_about(opening)) do
    local kind, value, within_ms = unpack(about)
    local known = value ~= '' and end_of(kind, value, within_ms)
    if known then return known end
  end
end
