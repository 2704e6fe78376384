"""The pictures in book/figures/ that show a browser, and pictures of pages for the eye."""

import pathlib
import subprocess
import sys

from chrome import browser
from grey import grey
from programs import ROOT, serving

FIGURES = ROOT / "book" / "figures"
VISITS = 84


def keep(page, name):
    (FIGURES / name).write_bytes(page.picture())
    print(f"book/figures/{name}")


def keep_small(page, name):
    (FIGURES / name).write_bytes(grey(page.picture()))
    print(f"book/figures/{name}")


def visits(keep=keep_small):
    with serving("5_session_wsgi", "--features", "server") as address, \
            browser(320, 64, 2) as page:
        for visit in range(1, VISITS + 1):
            text = page.text(address + "/")
            if text != f"Counter value is: {visit}":
                sys.exit(f"visit {visit} shows: {text}")
            if visit in (1, VISITS):
                keep(page, f"visit-{visit}.png")


def build():
    subprocess.run(["cargo", "run", "--quiet", "--package", "workbook", "--", "build"], cwd=ROOT, check=True)


def page():
    build()
    with browser(1200, 800) as opened:
        built = ROOT / "book" / "en" / "build" / "session-create.html"
        opened.open(built.as_uri())
        opened.run("document.getElementById('program').scrollIntoView()")
        keep(opened, "readme-page.png")


def look(folder):
    """Whole pages: both editions, both themes, on a telephone and on a desk."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    build()
    for theme in ("light", "dark"):
        for width in (360, 1200):
            with browser(width, 900, theme=theme) as opened:
                for edition in ("en", "ru"):
                    for name in ("introduction", "session-create", "dogpile"):
                        built = ROOT / "book" / edition / "build" / f"{name}.html"
                        opened.open(built.as_uri())
                        opened.run("document.querySelectorAll('main details')"
                                   ".forEach((one) => { one.open = true; })")
                        height = opened.run("return document.documentElement.scrollHeight")
                        opened.size(width, height)
                        path = folder / f"{name}-{edition}-{theme}-{width}.png"
                        path.write_bytes(opened.picture())
                        opened.size(width, 900)
                        print(path)
