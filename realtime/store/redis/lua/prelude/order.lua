-- Places in an order: where one page ends and the next begins.

-- Whether a comes before b, byte by byte as Redis sorts: Lua's < depends on the server's locale.
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- Whether id lies beyond a place of the same score. The place has a whole id, or the first `shown`
-- characters of one if it came from a cursor.
local function beyond(place, id, backwards)
  if place.shown then id = id:sub(1, place.shown) end
  if backwards then return before(id, place.id) end
  return before(place.id, id)
end

-- At most count members of a sorted set that lie beyond a place, with their scores.
local function range_beyond(zset, place, backwards, count)
  local range = backwards and 'ZREVRANGE' or 'ZRANGE'
  local low = 0
  if place then
    local score = string.format('%.0f', place.score)
    low = backwards and call('ZCOUNT', zset, '(' .. score, '+inf')
      or call('ZCOUNT', zset, '-inf', '(' .. score)
    local high = low + call('ZCOUNT', zset, score, score)
    while low < high do
      local middle = math.floor((low + high) / 2)
      local id = call(range, zset, middle, middle)[1]
      if beyond(place, id, backwards) then high = middle else low = middle + 1 end
    end
  end
  local found = {}
  local flat = call(range, zset, low, low + count - 1, 'WITHSCORES')
  for i = 1, #flat, 2 do
    found[#found + 1] = {id = flat[i], score = tonumber(flat[i + 1])}
  end
  return found
end
