local old = redis.call('GET', KEYS[1])
if not old or string.sub(redis.sha1hex(old), 1, 16) ~= ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[1])
