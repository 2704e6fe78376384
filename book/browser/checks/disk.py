"""Pages opened from the disk, without any server: all of it is there, and nothing is asked of a host."""

import sys
import urllib.parse

from check import expect
from checks.search import QUERIES, found
from checks.themes import GROUND, choose

# What a browser asks of itself, such as its empty first page.
INSIDE = ("about:", "chrome:", "data:")

PICTURES = """
    return [...document.querySelectorAll("main figure.picture")].filter((figure) => {
        const picture = figure.querySelector("svg, img");
        return !(picture?.getBoundingClientRect().width > 0) || picture.naturalWidth === 0;
    }).length;
"""
FONTS = """
    return document.fonts.ready.then(() =>
        [...document.fonts].filter((font) => font.status === "error").map((font) => font.family));
"""


def requests(page):
    return [event["request"]["url"] for event in page.events("Network.requestWillBeSent")]


def check(book):
    pages = asked = 0
    with book.browser() as page:
        for edition in ("en", "ru"):
            for name in book.pages(edition):
                page.open(book.address(edition, name, disk=True))
                expect(f"{edition}/{name}: pictures that are not shown", page.run(PICTURES), 0)
                expect(f"{edition}/{name}: fonts that are not there", page.run(FONTS), [])
                pages += 1
            for query, name in list(QUERIES[edition].items())[:2]:
                page.open(book.address(edition, "introduction.html", disk=True)
                          + f"?search={urllib.parse.quote(query)}")
                found(page, query, name)
                page.click("#mdbook-searchresults a")
                page.wait("the page that was found", "return location.search.includes('highlight')")
        light = page.run(GROUND)
        choose(page, "navy")
        page.open(book.address("en", "cache.html", disk=True))
        expect("the dark theme is kept", page.run(GROUND) != light, True)
        page.open(book.address("en", "print.html", disk=True))
        urls = requests(page)
        asked = len(urls)
        remote = [url for url in urls if not url.startswith(("file:", *INSIDE))]
        expect("what is asked of another host", remote, [])
        expect("what the console says", page.complaints(), [])
    if asked < pages:
        sys.exit(f"{pages} pages were opened, and only {asked} requests seen")
    with book.browser() as page:
        book.enter(page)
        for edition in ("en", "ru"):
            for name in [*book.pages(edition)[:3], "print.html", "gone.html"]:
                page.open(book.address(edition, name))
        # Among it would be what the policy of the answers forbids. That a page is gone, and that neither
        # it nor the page for printing counts as read, is right.
        said = [text for text in page.complaints() if "gone.html" not in text and "/run/read" not in text]
        expect("what the console of a served page says", said, [])
        remote = [url for url in requests(page) if not url.startswith((book.served, *INSIDE))]
        expect("what a served page asks of another host", remote, [])
    return f"{pages} pages from the disk, with {asked} requests, none to a host"
