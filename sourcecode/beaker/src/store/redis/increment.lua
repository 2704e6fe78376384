local old, count = redis.call('GET', KEYS[1]), tonumber(ARGV[2])
if not old then
  redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2], unpack(ARGV, 3))
  return count
end
local number = string.match(old, '^%d+$', 9)
if not number or #number > 16 then return -1 end
count = count + tonumber(number)
if count > 9007199254740991 then return -2 end
redis.call('SETRANGE', KEYS[1], 0, ARGV[1] .. string.format('%.0f', count))
return count
