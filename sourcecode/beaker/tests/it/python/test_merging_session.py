"""Tests `book/python/merging_session.py` on the stores that the environment names.

`REDIS_URL`, `MEMCACHED_URL` and `POSTGRES_URL` are of running servers; the tests in
`mod.rs` start them. What is not named is not tested.
"""

import datetime
import json
import os
import pickle
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid
from unittest import mock

import counting_writer
import merging_session
from beaker.exceptions import BeakerException
from beaker.middleware import SessionMiddleware
from beaker.session import Session
from merging_session import MergingSession

TIMES = 1000


class OnAStore:
    """What holds on every store. A test makes the interleaving itself: it loads two
    sessions, as two requests would, and saves them in the order that it wants."""

    serializer = 'json'

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.options = dict(
            self.store(), data_serializer=self.serializer, timeout=600, **self.more())
        self.id = uuid.uuid4().hex

    def more(self):
        return {}

    def request(self, kind=MergingSession, **more):
        return kind({}, id=self.id, use_cookies=False, **dict(self.options, **more))

    def saved(self, **values):
        session = self.request()
        session.update(values)
        session.save()
        return self.request()

    def stored(self):
        values = self.request(Session)
        return {key: values[key] for key in values if not key.startswith('_')}

    # What plain Beaker does.

    def test_plain_beaker_loses_what_another_request_saved(self):
        self.saved(a=1)
        reader, writer = self.request(Session), self.request(Session)
        writer['b'] = 2
        writer.save()
        reader.save(accessed_only=True)
        self.assertEqual(self.stored(), {'a': 1})

    # Two requests at once.

    def test_both_requests_keep_what_they_set(self):
        self.saved(a=1, b=1)
        one, other = self.request(), self.request()
        one['a'] = 2
        other['c'] = 3
        del other['b']
        one.save()
        other.save()
        self.assertEqual(self.stored(), {'a': 2, 'c': 3})

    def test_what_plain_beaker_saved_stays(self):
        self.saved(a=1)
        merging, plain = self.request(), self.request(Session)
        plain['b'] = 2
        plain.save()
        merging['c'] = 3
        merging.save()
        self.assertEqual(self.stored(), {'a': 1, 'b': 2, 'c': 3})

    def test_of_one_key_the_last_save_wins(self):
        self.saved(a=1, b=1, c=1)
        one, other = self.request(), self.request()
        one.update(a=2, b=2)
        del one['c']
        other.update(a=3, c=3)
        del other['b']
        other.save()
        one.save()
        self.assertEqual(self.stored(), {'a': 2, 'b': 2})

    def test_a_change_inside_a_value_is_a_change(self):
        self.saved(basket=[{'name': 'cup', 'count': 1}])
        one, other = self.request(), self.request()
        one['basket'][0]['count'] = 2
        other['seen'] = True
        one.save()
        other.save()
        self.assertEqual(
            self.stored(), {'basket': [{'name': 'cup', 'count': 2}], 'seen': True})

    def test_true_in_place_of_one_is_a_change(self):
        session = self.saved(a=[1])
        session['a'] = [True]
        session.save()
        self.assertIs(self.stored()['a'][0], True)

    def test_a_second_save_removes_nothing_of_others(self):
        one, other = self.saved(a=1), self.request()
        one['b'] = 1
        one.save()
        other['c'] = 1
        other.save()
        one['d'] = 1
        one.save()
        self.assertEqual(self.stored(), {'a': 1, 'b': 1, 'c': 1, 'd': 1})

    def test_a_second_save_writes_nothing_again(self):
        one = self.saved(n=1)
        one['a'] = 1
        one.update_key('n', lambda n: n + 1)
        one.save()
        other = self.request()
        other.update(a=2, n=5)
        other.save()
        one['b'] = 1
        one.save()
        self.assertEqual(self.stored(), {'a': 2, 'b': 1, 'n': 5})

    def test_two_first_requests_of_a_visitor(self):
        one, other = self.request(), self.request()
        self.assertTrue(one.is_new and other.is_new)
        one['a'] = 1
        other['b'] = 1
        one.save()
        other.save()
        self.assertEqual(self.stored(), {'a': 1, 'b': 1})

    def test_a_cleared_session_keeps_what_others_add(self):
        one, other = self.saved(a=1, b=1), self.request()
        created = one.created
        one.clear()
        one['d'] = 1
        other['c'] = 1
        other.save()
        one.save()
        self.assertEqual(self.stored(), {'c': 1, 'd': 1})
        self.assertEqual(self.request().created, created)

    def test_a_reverted_session_writes_nothing(self):
        one, other = self.saved(a=1), self.request()
        one['a'] = 2
        one.revert()
        other['a'] = 3
        other.save()
        one.save()
        self.assertEqual(self.stored(), {'a': 3})

    # Updates.

    def test_an_update_is_done_again_on_what_is_stored(self):
        one, other = self.saved(n=1), self.request()
        self.assertEqual(one.update_key('n', lambda n: n + 1), 2)
        self.assertEqual(one.update_key('n', lambda n: n * 10), 20)
        other.update_key('n', lambda n: n + 4)
        other.save()
        one.save()
        self.assertEqual(self.stored(), {'n': 60})
        self.assertEqual(one['n'], 60)
        one.update_key('n', lambda n: n + 1)
        one.save()
        self.assertEqual(self.stored(), {'n': 61})

    def test_an_update_that_changes_nothing_here_may_change_it_there(self):
        one, other = self.saved(n=7), self.request()
        self.assertEqual(one.update_key('n', lambda n: max(n, 5)), 7)
        other['n'] = 3
        other.save()
        one.save()
        self.assertEqual(self.stored(), {'n': 5})

    def test_the_first_update_of_a_key(self):
        one, other = self.saved(), self.request()
        for session in (one, other):
            self.assertEqual(session.update_key('n', lambda n: (n or 0) + 1), 1)
        one.save()
        other.save()
        self.assertEqual(self.stored(), {'n': 2})

    def test_what_is_set_before_or_after_an_update_is_set(self):
        before, after, other = self.saved(n=1, m=1), self.request(), self.request()
        other.update(n=100, m=100)
        other.save()
        before['n'] = 10
        before.update_key('n', lambda n: n + 1)
        before.save()
        self.assertEqual(self.stored(), {'n': 11, 'm': 100})
        after.update_key('m', lambda n: n + 1)
        after['m'] = 20
        after.update_key('m', lambda n: n + 1)
        after.save()
        self.assertEqual(self.stored(), {'n': 11, 'm': 21})
        removed = self.request()
        removed.update_key('n', lambda n: n + 1)
        del removed['n']
        removed.save()
        self.assertEqual(self.stored(), {'m': 21})

    # The accessed time.

    def test_a_request_that_reads_writes_nothing(self):
        self.saved(a=1)
        reader = self.request()
        with mock.patch.object(merging_session, 'rewrite') as rewrite:
            reader.save(accessed_only=True)
            reader.save()
        rewrite.assert_not_called()

    def test_the_accessed_time_is_written_when_it_is_due(self):
        start = time.time()
        self.saved(a=1)
        other = self.request()
        with mock.patch('time.time', return_value=start + 61):
            reader = self.request()
            other['b'] = 1
            other.save()
            reader['c'] = 'never saved'
            reader.save(accessed_only=True)
        self.assertEqual(self.stored(), {'a': 1, 'b': 1})
        self.assertEqual(self.request().last_accessed, start + 61)

    def test_the_accessed_time_is_the_latest(self):
        start = time.time()
        early = self.saved()
        with mock.patch('time.time', return_value=start + 30):
            late = self.request()
        late['a'] = 1
        late.save()
        early['b'] = 1
        early.save()
        self.assertEqual(self.request().last_accessed, start + 30)

    def test_the_interval_is_an_option(self):
        start = time.time()
        self.saved()
        with mock.patch('time.time', return_value=start + 10):
            for interval, expected in ('20', 0), ('5', 1):
                reader = self.request(touch_every=interval)
                with mock.patch.object(merging_session, 'rewrite') as rewrite:
                    reader.save(accessed_only=True)
                self.assertEqual(rewrite.call_count, expected)
        self.assertEqual(self.request(timeout=300).touch_every, 30)
        self.assertEqual(self.request(timeout=None).touch_every, 60)
        with self.assertRaisesRegex(BeakerException, 'touch_every is 600'):
            self.request(touch_every=600)

    def test_an_accessed_time_that_is_not_wanted_is_not_written(self):
        self.saved(a=1)
        reader = self.request(save_accessed_time=False, timeout=None, touch_every=0)
        with mock.patch.object(merging_session, 'rewrite') as rewrite:
            reader.save(accessed_only=True)
        rewrite.assert_not_called()

    def test_a_session_times_out(self):
        self.saved(a=1)
        with mock.patch('time.time', return_value=time.time() + 601):
            late = self.request()
        self.assertNotEqual(late.id, self.id)
        self.assertNotIn('a', late)

    # The end of a session.

    def test_a_deleted_session_stays_deleted(self):
        late, reader, ends = self.saved(user='ada'), self.request(), self.request()
        adds = self.request()
        adds['b'] = 1
        adds.save()
        ends.delete()
        ends.save()
        self.assertEqual(self.stored(), {})
        late['c'] = 1
        with self.assertLogs('merging_session', 'INFO') as logs:
            late.save()
            late['c'] = 2
            late.save()
        self.assertIn('changed c', logs.output[0])
        with mock.patch('time.time', return_value=time.time() + 100):
            reader.save(accessed_only=True)
            self.request().save(accessed_only=True)
        self.assertEqual(self.stored(), {})
        self.assertIsNone(self.request().last_accessed)

    def test_a_visitor_who_comes_back_after_a_delete(self):
        ends = self.saved(user='ada')
        ends.delete()
        ends.save()
        back = self.request()
        back['user'] = 'grace'
        back.save()
        self.assertEqual(self.stored(), {'user': 'grace'})

    def test_another_id_has_all(self):
        session = self.saved(a=1)
        session.regenerate_id()
        self.assertNotEqual(session.id, self.id)
        session['b'] = 1
        session.save()
        self.id = session.id
        self.assertEqual(self.stored(), {'a': 1, 'b': 1})
        self.assertEqual(self.request().created, session.created)
        session['c'] = 1
        session.save()
        self.assertEqual(self.stored(), {'a': 1, 'b': 1, 'c': 1})

    def test_an_invalidated_session_is_another(self):
        session = self.saved(a=1)
        session.invalidate()
        session['b'] = 1
        session.save()
        self.assertNotEqual(session.id, self.id)
        self.assertEqual(self.stored(), {'a': 1})
        self.id = session.id
        self.assertEqual(self.stored(), {'b': 1})

    def test_what_cannot_be_read_is_not_replaced(self):
        session = self.saved(a=1)
        merging_session.rewrite(self.request().namespace, lambda text: 'AAAA')
        session['b'] = 1
        with self.assertRaises(Exception):
            session.save()
        texts = []
        merging_session.rewrite(session.namespace, lambda text: texts.append(text))
        self.assertEqual(texts, ['AAAA'])

    # Many requests at once.

    def test_no_increment_is_lost_beside_a_counting_and_a_reading_process(self):
        self.saved(mine=0)
        words = [sys.executable, counting_writer.__file__,
                 json.dumps(self.options), self.id, 'n', str(TIMES)]
        writer = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with writer:
            self.assertEqual(writer.stdout.readline(), 'ready\n')
            writer.stdin.write('go on\n' * (TIMES // 10))
            writer.stdin.flush()
            mine = 0
            while writer.poll() is None or mine == 0:
                counting_writer.count(self.options, self.id, 'n', 1)
                counting_writer.count(self.options, self.id, 'mine', 1)
                self.request(touch_every=0).save(accessed_only=True)
                mine += 1
        self.assertEqual(writer.returncode, 0)
        self.assertEqual(self.stored(), {'n': TIMES + mine, 'mine': mine})
        print('%s: %d and %d' % (type(self).__name__, TIMES, mine), file=sys.stderr)


class InMemory(OnAStore, unittest.TestCase):
    def store(self):
        return {'type': 'memory'}

    def test_no_increment_is_lost_beside_a_counting_and_a_reading_process(self):
        self.saved()
        count = lambda: counting_writer.count(self.options, self.id, 'n', 100)
        threads = [threading.Thread(target=count) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.stored(), {'n': 1000})


class InFiles(OnAStore, unittest.TestCase):
    def store(self):
        return {'type': 'file', 'data_dir': self.folder}

    def test_a_dropped_change_leaves_no_file(self):
        session = self.saved(a=1)
        file = session.namespace.file
        os.remove(file)
        session['b'] = 1
        session.save()
        self.assertFalse(os.path.exists(file))

    def test_a_save_waits_for_the_lock(self):
        session = self.saved(a=1)
        session.update_key('n', lambda n: (n or 0) + 1)
        holder = self.request().namespace
        holder.acquire_write_lock()
        thread = threading.Thread(target=session.save)
        thread.start()
        with open(holder.file, 'rb') as file:
            record = pickle.load(file)
        holder['session'] = record['session']
        self.assertTrue(thread.is_alive())
        holder.release_write_lock()
        thread.join()
        self.assertEqual(self.stored(), {'a': 1, 'n': 1})

    def test_a_lock_that_the_request_holds_itself(self):
        session = self.saved(a=1)
        session.lock()
        session['b'] = 1
        session.save()
        session.unlock()
        self.assertEqual(self.stored(), {'a': 1, 'b': 1})


class InPickledFiles(InFiles):
    serializer = 'pickle'

    def test_values_of_pythons_own(self):
        values = {'when': datetime.datetime(2026, 1, 2), 'roles': {'a', 'b', 'c'},
                  'shared': [[1]] * 2, ('a', 1): None}
        one, other = self.saved(), self.request()
        one.update(values)
        other['n'] = 1
        one.save()
        other.save()
        reader = self.request()
        with mock.patch.object(merging_session, 'rewrite') as rewrite:
            reader.save()
        rewrite.assert_not_called()
        self.assertEqual({**values, 'n': 1}, {key: reader[key] for key in [*values, 'n']})


class InEncryptedFiles(InFiles):
    def more(self):
        return {'encrypt_key': 'k' * 32, 'validate_key': 'v', 'crypto_type': 'cryptography'}


class InDbm(OnAStore, unittest.TestCase):
    def store(self):
        return {'type': 'dbm', 'data_dir': self.folder}


class InSqlite(OnAStore, unittest.TestCase):
    def store(self):
        # As long as the writer of the whole test may hold the file.
        url = 'sqlite:///%s/sessions.db?timeout=60' % self.folder
        return {'type': 'ext:database', 'url': url}

    def test_a_lock_that_the_request_holds_itself(self):
        session = self.saved(a=1)
        session.lock()
        session['b'] = 1
        session.save()
        session.unlock()
        self.assertEqual(self.stored(), {'a': 1, 'b': 1})

    def test_a_file_that_is_locked_for_too_long_is_tried_again(self):
        url = 'sqlite:///%s/sessions.db?timeout=0' % self.folder
        self.saved(a=1)
        session = self.request(url=url)
        session['b'] = 1
        holder = sqlite3.connect(self.folder + '/sessions.db', isolation_level=None)
        holder.execute('BEGIN IMMEDIATE')
        # The first try has failed when the second is waited for.
        with mock.patch.object(
                time, 'sleep', side_effect=lambda _: holder.execute('COMMIT')) as sleep:
            session.save()
        sleep.assert_called_once()
        self.assertEqual(self.stored(), {'a': 1, 'b': 1})
        holder.execute('BEGIN IMMEDIATE')
        session['c'] = 1
        with mock.patch.object(merging_session, 'PATIENCE', 0):
            with self.assertRaises(merging_session.BeakerException):
                session.save()
        holder.close()


@unittest.skipUnless('POSTGRES_URL' in os.environ, 'POSTGRES_URL is not set')
class InPostgresql(OnAStore, unittest.TestCase):
    def store(self):
        url = os.environ['POSTGRES_URL'].replace('postgres:', 'postgresql+psycopg2:', 1)
        return {'type': 'ext:database', 'url': url}

    def test_the_row_was_inserted_meanwhile(self):
        one, other, calls = self.request(), self.request(), []
        other['n'] = 1

        def update(n):
            calls.append(n)
            if len(calls) == 2:
                other.save()
            return (n or 0) + 1

        one.update_key('n', update)
        one.save()
        self.assertEqual((calls, self.stored()), ([None, None, 1], {'n': 2}))


class WithoutALock(OnAStore):
    def test_it_is_tried_again_when_another_was_faster(self):
        for before in {'n': 5}, {}:
            one, other, calls = self.saved(**before), self.request(), []
            other['n'] = 7

            def update(n):
                calls.append(n)
                if len(calls) == 2:
                    other.save()
                return (n or 0) + 1

            one.update_key('n', update)
            one.save()
            old = before.get('n')
            self.assertEqual((calls, self.stored()), ([old, old, 7], {'n': 8}))
            self.id = uuid.uuid4().hex

    def test_the_first_save_finds_another(self):
        one, other, calls = self.request(), self.request(), []
        other['n'] = 7

        def update(n):
            calls.append(n)
            if len(calls) == 2:
                other.save()
            return (n or 0) + 1

        one.update_key('n', update)
        one.save()
        self.assertEqual((calls, self.stored()), ([None, None, 7], {'n': 8}))

    def test_it_is_not_tried_for_ever(self):
        one, other = self.saved(n=0), self.request()

        def update(n):
            other['m'] = other.get('m', 0) + 1
            other.save()
            return n + 1

        one.update_key('n', update)
        with mock.patch.object(merging_session, 'PATIENCE', 0):
            with self.assertRaisesRegex(BeakerException, 'could not be saved within 0 s'):
                one.save()
        self.assertEqual(self.stored()['n'], 0)


@unittest.skipUnless('REDIS_URL' in os.environ, 'REDIS_URL is not set')
class InRedis(WithoutALock, unittest.TestCase):
    def store(self):
        return {'type': 'ext:redis', 'url': os.environ['REDIS_URL']}

    def test_a_save_renews_the_records_time_to_live(self):
        namespace = self.saved(a=1).namespace
        key = namespace._format_key('session')
        namespace.client.expire(key, 5)
        with mock.patch('time.time', return_value=time.time() + 61):
            self.request().save(accessed_only=True)
        self.assertGreater(namespace.client.ttl(key), 700)
        self.options['timeout'] = None
        session = self.request()
        session['b'] = 1
        session.save()
        self.assertEqual(namespace.client.ttl(key), -1)


@unittest.skipUnless('MEMCACHED_URL' in os.environ, 'MEMCACHED_URL is not set')
class InMemcached(WithoutALock, unittest.TestCase):
    module = 'memcache'

    def store(self):
        url = os.environ['MEMCACHED_URL'].split('://')[-1].rstrip('/')
        return {'type': 'ext:memcached', 'url': url, 'memcache_module': self.module}

    def test_the_client_notes_no_number_for_ever(self):
        for _ in range(5):
            self.id = uuid.uuid4().hex
            client = self.saved(a=1).namespace.mc
            counting_writer.count(self.options, self.id, 'n', 2)
        self.assertLessEqual(len(getattr(client, 'cas_ids', ())), 1)


class InMemcachedByBmemcached(InMemcached):
    module = 'bmemcached'


class InAnApplication(unittest.TestCase):
    """A session behind Beaker's middleware, with the options of an INI file."""

    def request(self, code, cookie=''):
        def application(environ, start_response):
            exec(code, {'session': environ['beaker.session']})
            start_response('200 OK', [])
            return []

        def start_response(status, headers, exc_info=None):
            cookies.extend(value for name, value in headers if name == 'Set-cookie')

        cookies = []
        SessionMiddleware(application, self.options)({'HTTP_COOKIE': cookie}, start_response)
        return cookies[0].split(';')[0].strip() if cookies else cookie

    def test_requests(self):
        with tempfile.TemporaryDirectory() as folder:
            self.options = {
                'session.session_class': MergingSession,
                'session.type': 'file', 'session.data_dir': folder,
                'session.data_serializer': 'json', 'session.secret': 'secret',
                'session.timeout': '600', 'session.touch_every': '30'}
            cookie = self.request("session['a'] = 1; session.save()")
            self.request("session.update_key('n', lambda n: (n or 0) + 1); session.save()", cookie)
            self.request("session['lost'] = 'without a save'", cookie)
            self.request("assert session['a'] == 1 and session['n'] == 1", cookie)
            self.request("assert 'lost' not in session and session.touch_every == 30", cookie)
            self.request("session.delete()", cookie)
            self.request("assert 'a' not in session", cookie)


if __name__ == '__main__':
    unittest.main(warnings='ignore')  # Beaker leaves its connections open.
