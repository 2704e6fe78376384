"""Nobody but the reader's browser gets in: not one without the key, not a page of another port or host, in the
reader's browser or around it, and not another user of this machine."""

import contextlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

from check import expect
from checks.running import BUTTONS, EXERCISE, PROGRAM, press, verdict
from programs import ROOT

LOCKED = ("Only a browser with the key runs programs: open the address that the terminal shows. Until then, "
          "this is the recorded output.")

# What runs, writes or tells of the reader.
ROUTES = [("POST", "/run/start", {"what": "0_session"}), ("POST", "/run/read", {"page": "stores"}),
          ("GET", "/run/done", None), ("GET", "/run/hello", None), ("GET", "/run/source/0_session", None),
          ("GET", "/live", None)]

# What a page of another origin can try; what it gets of each, as far as its browser lets it see.
TRIES = """
    const [home, body, done] = arguments;
    const seen = {};
    const attempt = async (name, act) => {
        try { seen[name] = await act(); } catch (error) { seen[name] = "refused"; }
    };
    const get = async (path, options) => (await fetch(home + path, options)).status;
    const loads = (element, where) => new Promise((resolve) => {
        element.onload = () => resolve("loaded");
        element.onerror = () => resolve("refused");
        document.body.append(Object.assign(element, where));
    });
    (async () => {
        for (const path of ["/run/done", "/run/source/0_session", "/run/hello", "/live"]) {
            await attempt(`GET ${path}`, () => get(path, { credentials: "include" }));
            await attempt(`GET ${path}, blind`, () => get(path, { credentials: "include", mode: "no-cors" }));
        }
        for (const type of ["text/plain", "application/json"]) {
            const options = { method: "POST", credentials: "include", body, headers: { "Content-Type": type } };
            await attempt(`POST ${type}`, () => get("/run/start", options));
            await attempt(`POST ${type}, blind`, () => get("/run/start", { ...options, mode: "no-cors" }));
        }
        await attempt("script", () => loads(document.createElement("script"), { src: home + "/en/fonts/server.js" }));
        // What came into the frame, this page may not see; the browser is asked.
        document.querySelector("iframe")?.remove();
        await loads(document.createElement("iframe"), { src: home + "/en/caching.html" });
        done(seen);
    })();
"""


class Stranger(http.server.BaseHTTPRequestHandler):
    """A server of another user, which keeps what the reader's browser sends to it."""

    cookies: list = []

    def do_GET(self):
        self.cookies.append(self.headers.get("Cookie", ""))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>stranger</title><body>")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def stranger():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def status(url, method="GET", body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **(headers or {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def a_browser_without_the_key(book):
    with book.browser() as page:
        page.open(book.address("en", "session-create.html"))
        page.wait("the words below an exercise",
                  "return document.querySelector(`${arguments[0]} .run-status`).textContent"
                  " === 'To solve it here, open the address that the terminal shows.'", EXERCISE)
        expect("the buttons", page.run(BUTTONS, PROGRAM), ["Run"])
        press(page, PROGRAM, "Run")
        verdict(page, PROGRAM, LOCKED)
        page.open(book.address("en", book.key[:-1] + "-"))
        said = page.run("return document.body.innerText")
        expect("a wrong key is explained", "Open the address that the terminal shows now" in said, True)


def pages_of_others_in_the_readers_browser(book):
    home = urllib.parse.urlsplit(book.served)
    tries = 0
    with stranger() as port, book.browser() as page:
        book.enter(page)
        page.wait("the browser to be let in", "return window.workbook.served.then((state) => state === 'ours')")
        kept = page.run("return localStorage.getItem('workbook-key')")
        cookie = page.cookie(f"workbook_{home.port}") or sys.exit("the browser keeps no cookie")
        expect("the cookie", [cookie[key] for key in ("httpOnly", "sameSite", "path")], [True, "Strict", "/"])
        for name in ("127.0.0.1", "localhost"):
            page.open(f"http://{name}:{port}/")
            page.call("POST", "/timeouts", {"script": 300_000})
            for target in (book.served, f"http://localhost:{home.port}"):
                seen = page.call("POST", "/execute/async",
                                 {"script": TRIES, "args": [target, json.dumps(ROUTES[0][2])]})
                got = {what: found for what, found in seen.items() if found != "refused"}
                expect(f"what a page of {name}:{port} gets of {target}", got, {})
                expect(f"a frame in {name}:{port} with {target}", framed(page), False)
                tries += len(seen) + 1
            expect("its key", page.run("return localStorage.getItem('workbook-key')"), None)
        # The browser sends the cookie to each port of a host; that alone opens nothing.
        stolen = next((cookies for cookies in Stranger.cookies if cookie["value"] in cookies), None)
        expect("the other port gets the cookie", stolen is not None, True)
        for method, path, body in ROUTES[:-1]:
            found = status(book.served + path, method, body, {"Cookie": stolen, "Origin": book.served})
            expect(f"{path} for who has the cookie", found, 403)
        expect("the page key is another one", kept and kept not in stolen, True)
    return tries


def framed(page):
    """Whether a page of the book is in the frame."""
    frame = page.call("POST", "/element", {"using": "css selector", "value": "iframe"})
    page.call("POST", "/frame", {"id": frame})
    there = page.run("return document.querySelector('main') !== null")
    page.call("POST", "/frame", {"id": None})
    return there


ANOTHER = """
import json, sys, urllib.error, urllib.request
home, routes, secret = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
def ask(method, path, body):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Origin": home, "Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
    try:
        return urllib.request.urlopen(urllib.request.Request(home + path, data, headers, method=method)).status
    except urllib.error.HTTPError as error:
        return error.code
def read(path):
    try:
        return open(path, "rb").read().decode("utf-8", "replace")
    except OSError:
        return ""
print(json.dumps({
    "page": ask("GET", "/en/", None),
    "routes": {path: ask(method, path, body) for method, path, body in routes},
    "file": read(secret),
}))
"""


def another_user(book):
    """As `nobody`, if this user may become that; else as this user, with nothing but what `nobody` has."""
    keys = ROOT / "target" / "workbook-keys"
    is_root = os.getuid() == 0
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if is_root else []
    if is_root and shutil.which("setpriv") is None:
        sys.exit("setpriv is not installed")
    python = ["/usr/bin/env", "-i", "PATH=/usr/bin:/bin", "python3", "-c", ANOTHER]
    command = [*become, *python, book.served, json.dumps(ROUTES), str(keys)]
    done = subprocess.run(command, cwd="/", check=True, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    expect("a page, for another user", found["page"], 200)
    expect("all else, for another user", found["routes"], {path: 403 for _, path, _ in ROUTES})
    if is_root:
        expect("the file with the keys, for another user", found["file"], "")
    expect("who may read the keys", oct(keys.stat().st_mode & 0o777), "0o600")
    # What every user sees of a process.
    arguments = bytes_of(f"/proc/{book.process}/cmdline")
    secrets = [book.key.removeprefix("?key="), *keys.read_text().split()]
    expect("secrets in the arguments", [secret for secret in secrets if secret.encode() in arguments], [])


def bytes_of(path):
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        return file.read()
    return b""


def check(book):
    a_browser_without_the_key(book)
    tries = pages_of_others_in_the_readers_browser(book)
    another_user(book)
    return f"{tries} tries of foreign pages and {len(ROUTES)} requests of another user get nothing"
