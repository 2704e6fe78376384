"""Sessions of Python's Beaker that merge on save.

Beaker writes back the whole session as the request found it, even when the
request has only read it. What another process has saved in the meantime is
lost. A `MergingSession` writes what its own request has changed, and nothing
else, into what is stored at that moment:

    from merging_session import MergingSession
    config['session.session_class'] = MergingSession
    application = SessionMiddleware(application, config)

It reads and writes the same records as Beaker does. It is for sessions that
are kept on the server: in files, dbm, memory, redis, memcached, databases.
Python 3.8 and Beaker 1.12 or newer.
"""

import logging
import pickle
import random
import time
from datetime import datetime

from beaker.container import OpenResourceNamespaceManager
from beaker.exceptions import BeakerException
from beaker.ext.memcached import MemcachedNamespaceManager
from beaker.ext.redisnm import RedisNamespaceManager
from beaker.ext.sqla import SqlaNamespaceManager
from beaker.session import Session

log = logging.getLogger(__name__)

# A deleted session leaves a record with no more than these keys.
LEFT_BY_DELETE = {'_domain', '_path', '_accessed_time'}

# For how many seconds a save is tried while other writers are faster.
PATIENCE = 10


class MergingSession(Session):
    """A session that writes only what its request has changed.

    - A key that this request has set is set, and one that it has removed is
      removed. If another request has set the same key in the meantime, the
      last save wins. `update_key` is for values that must not be lost so.
    - The accessed time is the latest of all requests.
    - A request that only reads writes nothing, unless the accessed time that
      is stored is older than `touch_every` seconds.
    - A session that another request has deleted stays deleted: what this one
      has changed is dropped. The same is so if its record was evicted.

    `touch_every` is an option beside Beaker's own, in seconds. Default: a tenth
    of `timeout`, but 60 at most. A visitor who only reads may be timed out
    this much earlier.

    `environ['beaker.get_session']` and `get_by_id` of the session make plain
    sessions, which overwrite as ever: do not save those.
    """

    def __init__(self, request, *args, touch_every=None, **options):
        self._forget()
        super().__init__(request, *args, **options)
        if touch_every is None:
            touch_every = min(60, self.timeout / 10) if self.timeout else 60
        self.touch_every = float(touch_every)
        if self.timeout and self.touch_every >= self.timeout:
            raise BeakerException(
                'touch_every is %g and must be less than the timeout, %g'
                % (self.touch_every, self.timeout))

    def update_key(self, key, function):
        """Sets `key` to `function(value)`, and returns that.

        `function` gets `None` if there is no such key. When the session is
        saved, it is called again with the value that is stored then, as often
        as other requests change it: it must have no other effects.

            session.update_key('visits', lambda old: (old or 0) + 1)
            session.save()
        """
        functions, result = self._updates.pop(key, ([], self._found().get(key)))
        # A value that this request has set by other means is not the store's.
        repeatable = self._form(key) == result
        self[key] = function(self.get(key))
        if repeatable:
            self._updates[key] = (functions + [function], self._form(key))
        return self[key]

    def load(self):
        """Loads the session, and notes what it has found."""
        self._forget()
        super().load()

    def delete(self):
        """Deletes the session, and all that other requests have put into it."""
        self._deleted = True
        super().delete()

    def save(self, accessed_only=False):
        """Merges what this request has changed into what is stored now.

        With `accessed_only`, that is the accessed time alone. Raises if what
        is stored cannot be read, and leaves it as it is.
        """
        if accessed_only and (self.is_new or not self.save_atime):
            return
        namespace = getattr(self, 'namespace', None)
        if namespace is None or namespace.namespace != self.id:
            # The id is new or was regenerated: nothing is stored under it yet.
            self.namespace = self.namespace_class(
                self.id, data_dir=self.data_dir, digest_filenames=False,
                **self.namespace_args)
            self._text, self._base = None, {}
        changes = ((), (), {}) if accessed_only else self._changes()
        if self._deleted or any(changes) or self._touch_is_due():
            rewrite(self.namespace,
                    lambda text: self._merge(text, accessed_only, *changes))
        if not accessed_only:
            self._base, self._updates = self._forms(self), {}
        if self.use_cookies and self.is_new:
            self.request['set_cookie'] = True

    def _forget(self):
        self._text = None      # what was stored when the session was loaded
        self._base = None      # the same, each value serialized
        self._updates = {}     # key: the functions, and the serialized result
        self._deleted = False

    def _decrypt_data(self, session_data):
        self._text = session_data
        return super()._decrypt_data(session_data)

    def _read(self, text):
        return {} if text is None else super()._decrypt_data(text)

    def _forms(self, values):
        # Serialized, so that a change inside a list is found, too.
        return {key: self.serializer.dumps(value)
                for key, value in values.items() if key != '_accessed_time'}

    def _form(self, key):
        return self.serializer.dumps(self[key]) if key in self else None

    def _found(self):
        if self._base is None:
            self._base = self._forms(self._read(self._text))
        return self._base

    def _changes(self):
        """Returns what this request has set, removed, and updated."""
        found, forms = self._found(), self._forms(self)
        changed = [key for key in forms if forms[key] != found.get(key)]
        removed = found.keys() - forms.keys() - {'_creation_time'}
        updates = {key: functions
                   for key, (functions, result) in self._updates.items()
                   if forms.get(key) == result}
        return changed, removed, updates

    def _touch_is_due(self):
        last = self.last_accessed
        return last is None or time.time() - last >= self.touch_every

    def _merge(self, text, accessed_only, changed, removed, updates):
        """Returns what to store in place of `text`; `None` leaves it alone."""
        if self._deleted:
            return self._encrypt_data(dict(self))
        stored = self._read(text)
        if stored.keys() <= LEFT_BY_DELETE and (
                accessed_only or not self._found().keys() <= LEFT_BY_DELETE):
            log.info('a session was deleted while a request changed %s',
                     ', '.join(map(str, changed)) or 'nothing')
            return None
        for key in removed:
            stored.pop(key, None)
        for key in changed:
            if key not in updates:
                stored[key] = self[key]
        for key, functions in updates.items():
            value = stored.get(key)
            for function in functions:
                value = function(value)
            stored[key] = self[key] = value
        times = [values['_accessed_time'] for values in (stored, self)
                 if '_accessed_time' in values]
        if times:
            stored['_accessed_time'] = max(times)
        return self._encrypt_data(stored)


def rewrite(namespace, merge):
    """Replaces the stored `text` by `merge(text)`, with nothing in between.

    `text` is `None` where nothing is stored. Where `merge` returns `None`,
    nothing is written. It is called again if another writer came first.
    """
    if isinstance(namespace, RedisNamespaceManager):
        until_done(lambda: swap_in_redis(namespace, merge))
    elif isinstance(namespace, MemcachedNamespaceManager):
        until_done(lambda: swap_in_memcached(namespace, merge))
    elif isinstance(namespace, SqlaNamespaceManager):
        until_done(lambda: rewrite_in_database(namespace, merge))
    elif isinstance(namespace, OpenResourceNamespaceManager):
        rewrite_in_file(namespace, merge)
    else:
        rewrite_under_lock(namespace, merge)


def until_done(attempt):
    """Repeats what another writer was faster at."""
    end = time.monotonic() + PATIENCE
    while not attempt():
        if time.monotonic() > end:
            raise BeakerException(
                'a session could not be saved within %d s: others write it '
                'all the time, or the server refuses it; is it too large?'
                % PATIENCE)
        time.sleep(random.uniform(0, 0.002))


SWAP = """
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[3] == '' then
    redis.call('SET', KEYS[1], ARGV[2])
else
    redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
end
return 1
"""


def swap_in_redis(namespace, merge):
    """A script compares and sets, also in a cluster."""
    key = namespace._format_key('session')
    entry = namespace.client.get(key)
    text = merge(None if entry is None else pickle.loads(entry))
    if text is None:
        return True
    life = '' if namespace.timeout is None else int(namespace.timeout)
    return namespace.client.eval(
        SWAP, 1, key, entry or b'', pickle.dumps(text), life)


def swap_in_memcached(namespace, merge):
    """`gets` and `cas`; `add` where nothing is stored."""
    client, key = namespace.mc, namespace._format_key('session')
    if hasattr(client, 'cas_ids'):
        # python-memcached notes the number of what it got, if it is asked to.
        client.cache_cas = True
        client.reset_cas()
        entry, number = client.gets(key), ()
    else:
        entry, *number = client.gets(key)
    text = merge(entry)
    if text is None:
        return True
    if entry is None:
        done = client.add(key, text)
    else:
        done = client.cas(key, text, *number)
    # Without a server, python-memcached returns 0, as it does to Beaker.
    return done is not False


def rewrite_in_database(namespace, merge):
    """A transaction that holds the row; in SQLite, the database."""
    from sqlalchemy import exc

    table, now = namespace.table, datetime.now()
    mine = table.c.namespace == namespace.namespace
    try:
        with namespace.bind.begin() as connection:
            if connection.dialect.name == 'sqlite':
                # Without this, Python's sqlite3 begins after the `select`.
                connection.exec_driver_sql('BEGIN IMMEDIATE')
            row = connection.execute(
                table.select().where(mine).with_for_update()).fetchone()
            record = dict(row.data) if row else {}
            text = merge(record.get('session'))
            if text is None:
                return True
            record['session'] = text
            values = {'data': record, 'accessed': now}
            if row:
                connection.execute(table.update().where(mine).values(**values))
            else:
                connection.execute(table.insert().values(
                    namespace=namespace.namespace, created=now, **values))
    except exc.IntegrityError:
        return False  # Another writer has inserted the row.
    except exc.OperationalError as error:
        # SQLite lets nobody queue: a writer can wait in vain for its timeout.
        if 'database is locked' not in str(error):
            raise
        return False
    # What `unlock` of the session would write.
    namespace.hash, namespace._is_new = record, False
    return True


def rewrite_in_file(namespace, merge):
    """Beaker's lock file is held from the reading to the writing."""
    namespace.acquire_write_lock()
    try:
        text = merge(namespace['session'] if 'session' in namespace else None)
        if text is None:
            namespace.flags = 'r'  # Nothing is written when it is closed.
        else:
            namespace['session'] = text
    finally:
        namespace.release_write_lock()


def rewrite_under_lock(namespace, merge):
    """In memory and elsewhere: the lock that Beaker has for cached values."""
    lock = namespace.get_creation_lock('session')
    lock.acquire()
    try:
        text = merge(namespace['session'] if 'session' in namespace else None)
        if text is not None:
            namespace['session'] = text
    finally:
        lock.release()
