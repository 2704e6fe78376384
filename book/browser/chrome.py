"""Chromium, by the WebDriver protocol."""

import base64
import contextlib
import json
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.request

from programs import PATIENCE, free_port, running

# What WebDriver sends for keys that write nothing.
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Space": " ", "ArrowLeft": "\ue012",
        "ArrowRight": "\ue014", "ArrowDown": "\ue015", "ArrowUp": "\ue013", "Shift": "\ue008",
        "End": "\ue010", "Home": "\ue011"}


class Refused(Exception):
    """What the browser answers to a command that it cannot carry out."""


class Browser:
    """One browser, which keeps its cookies and its choices from page to page."""

    def __init__(self, port, folder, width, height, scale, theme):
        self.address = f"http://127.0.0.1:{port}/session"
        # Without its sandbox it also runs as root, as in a container; it opens our pages only.
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                     "--disable-background-networking", "--hide-scrollbars",
                     f"--user-data-dir={folder}"]
        options = {"binary": find("chromium", "chromium-browser", "google-chrome"),
                   "args": arguments}
        always = {"goog:chromeOptions": options,
                  "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"}}
        wanted = {"capabilities": {"alwaysMatch": always}}
        self.address += "/" + self.call("POST", "", wanted)["sessionId"]
        self.size(width, height, scale)
        self.system_theme(theme)

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Refused(error.read().decode()) from None

    def tell(self, command, **parameters):
        body = {"cmd": command, "params": parameters}
        return self.call("POST", "/goog/cdp/execute", body)

    def size(self, width, height, scale=1):
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=scale, mobile=False)

    def system_theme(self, theme):
        chosen = {"name": "prefers-color-scheme", "value": theme}
        self.tell("Emulation.setEmulatedMedia", features=[chosen])

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def url(self):
        return self.call("GET", "/url")

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, what, script, *arguments, patience=PATIENCE):
        """What the script returns, as soon as that is true of something. A page may load meanwhile."""
        deadline = time.monotonic() + patience
        while True:
            with contextlib.suppress(Refused):
                value = self.run(script, *arguments)
                if value:
                    return value
            if time.monotonic() > deadline:
                sys.exit(f"{self.url()}: waited in vain for {what}")
            time.sleep(0.02)

    def tab(self):
        """The tab that is shown."""
        return self.call("GET", "/window")

    def new_tab(self):
        return self.call("POST", "/window/new", {"type": "tab"})["handle"]

    def show_tab(self, tab):
        self.call("POST", "/window", {"handle": tab})

    def close_tab(self):
        self.call("DELETE", "/window")

    def click(self, selector):
        self.run("document.querySelector(arguments[0]).click()", selector)

    def press(self, *keys):
        """Presses keys one after another, by their names or as what they write; `Shift+Tab` is both at once."""
        actions = []
        for key in keys:
            *held, last = [KEYS.get(part, part) for part in (key.split("+") if len(key) > 1 else [key])]
            actions += [{"type": "keyDown", "value": each} for each in (*held, last)]
            actions += [{"type": "keyUp", "value": each} for each in (last, *held)]
        keyboard = {"type": "key", "id": "keyboard", "actions": actions}
        self.call("POST", "/actions", {"actions": [keyboard]})

    def text(self, url):
        self.open(url)
        return self.run("return document.body.innerText")

    def cookie(self, name):
        """The cookie of this name with its attributes, also one that scripts cannot read."""
        cookies = self.tell("Network.getCookies")["cookies"]
        return next((cookie for cookie in cookies if cookie["name"] == name), None)

    def events(self, method):
        """What Chromium has told of this kind since it was asked last, such as requests."""
        entries = self.call("POST", "/se/log", {"type": "performance"})
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        return [message["params"] for message in messages if message["method"] == method]

    def complaints(self):
        """What the console of the page has said since it was asked last."""
        return [entry["message"] for entry in self.call("POST", "/se/log", {"type": "browser"})]

    def picture(self, **options):
        return base64.b64decode(self.tell("Page.captureScreenshot", format="png", **options)["data"])

    def close(self):
        self.call("DELETE", "")


def find(*names):
    found = next(filter(None, map(shutil.which, names)), None)
    return found or sys.exit(f"{names[0]} is not installed")


@contextlib.contextmanager
def browser(width, height, scale=1, theme="light"):
    """A browser of its own, with a new profile, until the block ends."""
    port = free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, \
            running([find("chromedriver"), f"--port={port}"], port):
        opened = Browser(port, folder, width, height, scale, theme)
        try:
            yield opened
        finally:
            opened.close()
