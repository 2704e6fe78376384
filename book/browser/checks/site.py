"""The site that `build` lays out, as a host of files serves it: under a path, with nothing but files."""

import contextlib
import functools
import http.server
import threading
import urllib.parse

from check import expect
from checks.search import QUERIES, found
from pictures import build
from programs import ROOT

SITE = ROOT / "book" / "build"
PATH = "/a/book"

LINKS = "return [...document.querySelectorAll('li a')].map((link) => link.href)"
CARD = """
    const image = document.querySelector('meta[property="og:image"]').content;
    return fetch(image).then((answer) => answer.blob()).then(createImageBitmap)
        .then((picture) => [picture.width, picture.height]);
"""


class Host(http.server.SimpleHTTPRequestHandler):
    """Serves the site under the path, and its own page for what is not there."""

    def translate_path(self, path):
        inside = urllib.parse.urlsplit(path).path.removeprefix(PATH + "/")
        return super().translate_path("/" + inside) if inside != path else "/nowhere"

    def send_error(self, code, message=None, explain=None):
        body = (SITE / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def hosted():
    """The site's address, until the block ends."""
    make = functools.partial(Host, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), make) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{PATH}"
        finally:
            server.shutdown()


def check(book):
    build()
    with hosted() as site, book.browser(360, 740) as page:
        editions = [f"{site}/{edition}/index.html" for edition in QUERIES]
        page.open(site + "/")
        expect("the editions of the first page", page.run(LINKS), editions)
        expect("the picture of its card", page.run(CARD), [1200, 630])
        for address in editions:
            page.open(address)
            expect("the picture of a page's card", page.run(CARD), [1200, 630])
        searches = 0
        for edition, queries in QUERIES.items():
            for query, name in queries.items():
                page.open(f"{site}/{edition}/introduction.html?search={urllib.parse.quote(query)}")
                found(page, query, name)
                searches += 1
        # That nobody runs programs here is no mistake.
        said = [text for text in page.complaints() if "/run/hello" not in text]
        expect("what the console says", said, [])
        for gone in ("/ru/gone.html", "/en/gone/and/deeper.html", "/en/fonts/gone.html"):
            page.open(site + gone)
            expect(f"the way back from {gone}", page.run(LINKS), editions)
        page.click("li a")
        page.wait("the way back to be there", "return document.querySelector('main h1[id]') !== null")
    return f"a first page, {searches} searches, cards, and a way back, with nothing but files"
