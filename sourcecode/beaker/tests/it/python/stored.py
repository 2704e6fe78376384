"""Sessions of Beaker on the server side: what is on the standard input, one request a line."""

import json
import sys

from beaker.session import Session

for line in sys.stdin:
    request = json.loads(line)
    answer = {"shown": None}

    def opened(id):
        return Session({}, id=id, use_cookies=False, data_serializer="json", **request["options"])

    def say(what):
        print(json.dumps(what), flush=True)

    def wait():
        return json.loads(sys.stdin.readline())

    exec(request["code"], {"opened": opened, "answer": answer, "say": say, "wait": wait})
    say(answer)
