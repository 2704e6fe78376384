"""An application with Beaker's sessions. Each line of the standard input is a request to it."""

import json
import sys
import traceback

from beaker.middleware import SessionMiddleware


def answered(request):
    answer = {"shown": None, "cookie": None, "error": None}

    def application(environ, start_response):
        names = {"session": environ["beaker.session"], "answer": answer}
        exec(request["code"], names)
        start_response("200 OK", [])
        return []

    def start_response(status, headers, exc_info=None):
        answer["cookie"] = dict(headers).get("Set-cookie")

    options = {"session." + name: value for name, value in request["options"].items()}
    environ = {"HTTP_COOKIE": request["cookie"]}
    try:
        SessionMiddleware(application, options, invalidate_corrupt=False)(environ, start_response)
    except Exception:
        answer["error"] = traceback.format_exc()
    return answer


for line in sys.stdin:
    print(json.dumps(answered(json.loads(line))), flush=True)
