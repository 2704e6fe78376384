"""A cache of dogpile.cache or of Beaker, as the first argument says. What is on the standard input is run, one
request a line."""

import datetime
import json
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore")
OPTIONS = json.loads(sys.argv[1])
NAMESPACE = "standings"
PAST = 1000


class Dogpile:
    def __init__(self, backend, arguments, is_json, hashes=False, expiration_time=60):
        from dogpile.cache import make_region
        from dogpile.cache.util import sha1_mangle_key

        options = {}
        if is_json:
            options["serializer"] = lambda value: json.dumps(value).encode()
            options["deserializer"] = json.loads
        if hashes:
            options["key_mangler"] = sha1_mangle_key
        region = make_region(**options)
        self.region = region.configure(backend, expiration_time=expiration_time, arguments=arguments)

    def get(self, key):
        from dogpile.cache.api import NO_VALUE

        value = self.region.get(key)
        return "missing" if value is NO_VALUE else [value]

    def put(self, key, value):
        self.region.set(key, value)

    def remove(self, key):
        self.region.delete(key)

    def create(self, key, creator):
        return self.region.get_or_create(key, creator)

    def is_locked(self, key):
        mutex = self.region.backend.get_mutex(key)
        if mutex.acquire(False):
            mutex.release()
            return False
        return True

    def raw(self, key, value):
        backend = self.region.backend
        if hasattr(backend, "writer_client"):
            backend.writer_client.set(key, value)
        else:
            backend.client.set(key, value)


class Beaker:
    def __init__(self, **options):
        from beaker.cache import Cache, CacheManager

        self.cache = Cache(NAMESPACE, expire=60, **options)
        self.manager = CacheManager(expire=60, **options)

    def get(self, key):
        try:
            return [self.cache.get(key)]
        except KeyError:
            return "missing"

    def put(self, key, value):
        self.cache.put(key, value)

    def remove(self, key):
        self.cache.remove_value(key)

    def create(self, key, creator):
        return self.cache.get(key, createfunc=creator)

    def is_locked(self, key):
        # The key as Beaker's cache passes it.
        key = key.encode("ascii", "backslashreplace")
        lock = self.cache.namespace.get_creation_lock(key)
        if lock.acquire(wait=False):
            lock.release()
            return False
        return True

    def raw(self, key, value):
        namespace = self.cache.namespace
        if OPTIONS["type"] == "file":
            namespace.acquire_write_lock()
            namespace[key.encode()] = value
            namespace.release_write_lock()
        elif hasattr(namespace, "client"):
            namespace.client.set(namespace._format_key(key), value)
        else:
            namespace.mc.set(namespace._format_key(key), value)


def say(what):
    print(json.dumps(what), flush=True)


def wait():
    return json.loads(sys.stdin.readline())


real = time.time


class InThePast:
    """What is stored here was stored long ago."""

    def __enter__(self):
        time.time = lambda: real() - PAST

    def __exit__(self, *_):
        time.time = real


kind = OPTIONS.pop("kind")
side = {"dogpile": Dogpile, "beaker": Beaker}[kind](**OPTIONS)
for line in sys.stdin:
    request = json.loads(line)
    names = {"side": side, "answer": {}, "key": request["key"], "value": request.get("value")}
    exec(request["code"], {**globals(), **names})
    say(names["answer"].get("shown"))
