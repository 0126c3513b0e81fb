-- Recently requested ends: they also apply to connections that are being admitted.

-- The ends that apply to this connection, each with the ms for which it does: an ended login stays
-- invalid, but a user may come back.
local function applicable_ends(opening)
  return {
    {'login', opening.login, input.requested_end_ms},
    {'user', opening.user, math.min(opening.age_ms, input.requested_end_ms)},
    {'session', opening.id, math.min(opening.age_ms, input.requested_end_ms)},
  }
end

local function requested_end(kind, value, within_ms)
  local text = call('GET', key('ended', kind .. ':' .. value))
  local known = text and cmsgpack.unpack(text)
  local age = known and now - known.at
  -- One far in the future was written by a clock that was set back since.
  if known and age > -input.requested_end_ms and age < within_ms then return known end
end

-- A later request does not soften a final code.
local function add_requested_end(kind, value, request)
  local known = requested_end(kind, value, input.requested_end_ms)
  if known and known.code >= input.final and request.code < input.final then return end
  local text = cmsgpack.pack({at = now, code = request.code, words = request.words})
  call('SET', key('ended', kind .. ':' .. value), text, 'PX', input.requested_end_ms)
end

-- The end that refuses this connection its session, or nil.
local function requested_end_for(opening)
  for _, end_ in ipairs(applicable_ends(opening)) do
    local kind, value, within_ms = unpack(end_)
    local known = value ~= '' and requested_end(kind, value, within_ms)
    if known then return known end
  end
end
