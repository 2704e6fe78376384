"""The part of the shop that is still in Python: `python application.py SETTINGS`."""

import configparser
import datetime
import os
import sys
import threading

from beaker.middleware import SessionMiddleware
from merging_session import MergingSession
from waitress import create_server


def shop(environ, start_response):
    session, path = environ['beaker.session'], environ['PATH_INFO']
    if path == '/login':
        session.regenerate_id()
        session['user'] = 'Kimi'
        session['since'] = datetime.date(2007, 10, 21)
        session.save()
    elif path == '/account/move':
        session['town'] = 'Espoo'
        session.save()
    answer = 'nobody is logged in'
    if 'user' in session:
        user, since = session['user'], session['since']
        answer = f"{user}, since {since:%Y}; basket: {session.get('basket', 0)}"
    start_response('200 OK', [('Content-Type', 'text/plain; charset=utf-8')])
    return [b'Python: ', answer.encode()]


settings = configparser.ConfigParser(interpolation=None)
settings.read(sys.argv[1])
options = dict(settings['app:main'])
options['session.session_class'] = MergingSession
server = create_server(SessionMiddleware(shop, options), listen='127.0.0.1:0')
print(server.effective_port, flush=True)
# Ends with the program that has started it.
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
server.run()
