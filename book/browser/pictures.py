"""The pictures in book/figures/ that show a browser, those in book/cards/, and pictures of pages for the eye."""

import html
import pathlib
import subprocess
import sys
import tomllib
import urllib.parse

from chrome import browser
from grey import grey
from programs import ROOT, serving

FIGURES = ROOT / "book" / "figures"
VISITS = 84
# What other sites show of a page, in the size that they ask for.
CARD = """<!DOCTYPE html><meta charset="utf-8"><style>
body {{ margin: 0; height: 630px; display: flex; gap: 60px; align-items: center; padding: 0 90px;
    box-sizing: border-box; font-family: "Open Sans", "DejaVu Sans", sans-serif; background: #fff; color: #111;
    border-bottom: 30px solid #777; }}
svg {{ flex: 0 0 260px; }}
h1 {{ font-size: 68px; line-height: 1.15; margin: 0 0 30px; }}
p {{ font-size: 34px; line-height: 1.4; margin: 0; color: #444; }}
</style>{picture}<div><h1>{title}</h1><p>{description}</p></div>"""


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


def card():
    picture = (ROOT / "book" / "theme" / "favicon.svg").read_text(encoding="utf-8")
    (ROOT / "book" / "cards").mkdir(exist_ok=True)
    for edition in ("en", "ru"):
        said = tomllib.loads((ROOT / "book" / edition / "book.toml").read_text(encoding="utf-8"))["book"]
        words = {name: html.escape(said[name]) for name in ("title", "description")}
        with browser(1200, 630) as opened:
            opened.open("data:text/html;charset=utf-8," + urllib.parse.quote(CARD.format(picture=picture, **words)))
            path = ROOT / "book" / "cards" / f"{edition}.png"
            path.write_bytes(grey(opened.picture()))
            print(path.relative_to(ROOT))


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
