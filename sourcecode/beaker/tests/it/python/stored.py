"""Sessions of Beaker on the server side: what is on the standard input, one request a line."""

import json
import pathlib
import sys

from beaker.session import Session

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[5] / "book/python"))

from merging_session import MergingSession  # noqa: E402

for line in sys.stdin:
    request = json.loads(line)
    answer = {"shown": None}

    def opened(id, kind=Session):
        return kind({}, id=id, use_cookies=False, data_serializer="json", **request["options"])

    def say(what):
        print(json.dumps(what), flush=True)

    def wait():
        return json.loads(sys.stdin.readline())

    names = {"opened": opened, "answer": answer, "say": say, "wait": wait}
    exec(request["code"], dict(names, MergingSession=MergingSession))
    say(answer)
