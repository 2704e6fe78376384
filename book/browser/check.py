"""Runs the checks. A check is a file in `checks/` with a function `check(book)`.

It says what is wrong by `expect`, or by `sys.exit`; what it returns is what it has seen to be right.
"""

import contextlib
import importlib
import pathlib
import sys

from chrome import browser
from programs import ROOT, served_book

CHECKS = pathlib.Path(__file__).parent / "checks"


class Book:
    """The book as a reader has it: served by the workbook, or opened from the disk."""

    def __init__(self, process, served, key):
        self.process = process
        self.served = served
        self.key = key

    def address(self, edition, page, disk=False):
        """Where a page is, such as `cache.html#run`."""
        if disk:
            name, *rest = page.partition("#")
            return (self.built(edition) / name).as_uri() + "".join(rest)
        return f"{self.served}/{edition}/{page}"

    def enter(self, page):
        """Opens the address that the terminal shows, as the reader does: from then on programs run."""
        page.open(self.address("en", self.key))
        page.wait("the address without the key",
                  "return location.search === '' && location.hash === '' && document.readyState === 'complete'")

    def built(self, edition):
        return ROOT / "book" / edition / "build"

    def pages(self, edition):
        """The names of the pages that are written."""
        written = (ROOT / "book" / edition / "src").glob("*.md")
        return sorted(f"{page.stem}.html" for page in written if page.stem != "SUMMARY")

    def browser(self, width=1200, height=800, theme="light"):
        return browser(width, height, theme=theme)


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: found {found!r}, not {wanted!r}")


def run(wanted):
    names = sorted(path.stem for path in CHECKS.glob("*.py"))
    unknown = [name for name in wanted if name not in names]
    if unknown:
        sys.exit(f"there is no check {', '.join(unknown)}; there are: {', '.join(names)}")
    with contextlib.ExitStack() as stack:
        book = Book(*stack.enter_context(served_book()))
        for name in wanted or names:
            print(f"{name}: {importlib.import_module(f'checks.{name}').check(book)}", flush=True)
