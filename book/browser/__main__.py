"""Makes the pictures in book/figures/ that show a browser and those in book/cards/, and checks what only a browser shows.

    python3 book/browser                    all pictures
    python3 book/browser visits             program 5 at the first and at the 84th visit
    python3 book/browser page               one page of the book, for the README
    python3 book/browser card               what other sites show of a page: book/cards/
    python3 book/browser check              all checks; no picture is kept
    python3 book/browser check search disk  these checks: files of book/browser/checks/
    python3 book/browser look FOLDER        pages of both editions, for the eye: both themes, both widths

It needs Chromium with chromedriver (Debian: chromium, chromium-driver), and nothing of Python's
that does not come with it. Programs and browsers are started and stopped here, on free ports.
"""

import sys

# The folder stays as it is in the repository.
sys.dont_write_bytecode = True

import check  # noqa: E402
import pictures  # noqa: E402


def main(wanted):
    if wanted[:1] == ["check"]:
        check.run(wanted[1:])
    elif wanted[:1] == ["look"] and len(wanted) == 2:
        pictures.look(wanted[1])
    else:
        makers = {"visits": pictures.visits, "page": pictures.page, "card": pictures.card}
        if any(name not in makers for name in wanted):
            sys.exit(__doc__)
        for name in wanted or makers:
            makers[name]()


main(sys.argv[1:])
