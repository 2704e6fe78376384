"""Counts in a session of Beaker, beside another process that does the same.

    python counting_writer.py OPTIONS ID KEY TIMES

OPTIONS are Beaker's options in JSON. It says `ready`. For each line that it reads, it
adds one to KEY ten times, each time as a request of its own, and says how far it is.
Without a KEY, the requests only read, and note the access. It ends after TIMES.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[5] / 'book/python'))

from merging_session import MergingSession  # noqa: E402


def count(options, id, key, times):
    for _ in range(times):
        session = MergingSession({}, id=id, use_cookies=False, **options)
        session.update_key(key, lambda number: (number or 0) + 1)
        session.save()


def read(options, id, times):
    for _ in range(times):
        session = MergingSession({}, id=id, use_cookies=False, touch_every=0, **options)
        session.save(accessed_only=True)


if __name__ == '__main__':
    options, id, key, times = sys.argv[1:]
    options = json.loads(options)
    print('ready', flush=True)
    for done in range(10, int(times) + 1, 10):
        sys.stdin.readline()
        if key:
            count(options, id, key, 10)
        else:
            read(options, id, 10)
        print(done, flush=True)
