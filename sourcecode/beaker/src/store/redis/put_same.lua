local old = redis.call('GET', KEYS[1])
if not old or string.sub(redis.sha1hex(old), 1, 16) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], unpack(ARGV, 2))
return 1
