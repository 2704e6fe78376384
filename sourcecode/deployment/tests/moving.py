"""The part of a site that is still in Python: `python moving.py PORT NAME=VALUE ...`, with Beaker's options."""

import os
import pathlib
import sys
import threading
import time

from beaker.middleware import SessionMiddleware
from waitress import create_server

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / 'book/python'))

from merging_session import MergingSession  # noqa: E402


def chosen(basket, article):
    basket = list(basket or [])
    return basket if article in basket else basket + [article]


def site(environ, start_response):
    session, argument = environ['beaker.session'], environ['QUERY_STRING']
    path = environ['PATH_INFO']
    if path == '/login':
        session['user'] = argument
        session.save()
    elif path == '/basket':
        session.update_key('basket', lambda old: chosen(old, int(argument)))
        session.save()
    elif path == '/wish':
        session['wish%d' % (int(argument) % 10)] = int(argument)
        session.save()
    lists = [session.get('basket', []), [session.get('wish%d' % n, 0) for n in range(10)]]
    parts = ['Python', session.get('user', 'nobody')]
    parts += [','.join(map(str, numbers)) for numbers in lists]
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [';'.join(parts).encode()]


options = dict(argument.split('=', 1) for argument in sys.argv[2:])
options['session.session_class'] = MergingSession
application = SessionMiddleware(site, options)
end = time.monotonic() + 60
while True:
    try:
        server = create_server(application, listen='127.0.0.1:' + sys.argv[1], threads=8)
        break
    except OSError:
        # One of so many connections may come from this port for a moment.
        if time.monotonic() > end:
            raise
print('ready', flush=True)


def end_too():
    """With the test that has started it, however that ends."""
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_too, daemon=True).start()
server.run()
