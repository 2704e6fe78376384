"""On a telephone, 360 pixels wide, no page is wider than the screen."""

from check import expect

WIDTH = 360

WIDER = """
    const [width] = arguments;
    // Whatever is around the text must not move sideways either.
    let wide = false;
    for (let around = document.querySelector("main"); around; around = around.parentElement) {
        wide ||= around.scrollWidth > around.clientWidth;
    }
    if (!wide) { return []; }
    return [...document.querySelectorAll("body *")]
        .filter((element) => element.getBoundingClientRect().right > width)
        .map((element) => `${element.nodeName} ${element.className}`).slice(0, 5);
"""
# The text is not under the contents.
COVERED = """
    const text = document.querySelector("main h1").getBoundingClientRect();
    return document.elementFromPoint(text.left + 5, text.top + 5)?.closest("main") === null;
"""


def check(book):
    pages = 0
    with book.browser(WIDTH, 740) as page:
        for edition in ("en", "ru"):
            for name in [*book.pages(edition), "print.html", "404.html"]:
                page.open(book.address(edition, name))
                page.run("window.print = () => {};"
                         "document.querySelectorAll('details').forEach((one) => { one.open = true; })")
                expect(f"{edition}/{name}: wider than the screen", page.run(WIDER, WIDTH), [])
                expect(f"{edition}/{name}: covered by the contents", page.run(COVERED), False)
                pages += 1
    return f"{pages} pages fit in {WIDTH} pixels"
