"""A request of an application with Beaker's sessions in cookies: what is on the standard input."""

import json
import sys

from beaker.middleware import SessionMiddleware

request = json.load(sys.stdin)
answer = {"shown": None, "cookie": None}


def application(environ, start_response):
    names = {"session": environ["beaker.session"], "answer": answer}
    exec(request["code"], names)
    start_response("200 OK", [])
    return []


def start_response(status, headers, exc_info=None):
    answer["cookie"] = dict(headers).get("Set-cookie")


options = {"session." + name: value for name, value in request["options"].items()}
environ = {"HTTP_COOKIE": request["cookie"]}
SessionMiddleware(application, options, invalidate_corrupt=False)(environ, start_response)
json.dump(answer, sys.stdout)
