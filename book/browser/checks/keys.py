"""Everything that the mouse does, the keyboard does, and what has the focus is seen to have it."""

import sys

from check import expect

# What has the focus: a name for it, and whether it shows.
FOCUS = """
    const focused = document.activeElement;
    if (focused === document.body) { return null; }
    const style = getComputedStyle(focused);
    const box = focused.getBoundingClientRect();
    const name = focused.id || focused.className || focused.nodeName;
    return [String(name).trim() || focused.nodeName, focused.nodeName,
        style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
        && box.width > 0 && box.bottom > 0 && box.left >= 0];
"""
WANTED = {"skip", "mdbook-sidebar-toggle", "mdbook-theme-toggle", "mdbook-search-toggle"}
PLACE = "return location.pathname.split('/').pop()"
# As a Russian keyboard sends the key of the letter S.
RUSSIAN_S = """
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ы", code: "KeyS", bubbles: true }));
"""
SEARCH = "return !document.getElementById('mdbook-search-wrapper').classList.contains('hidden')"
CONTENTS = "return document.documentElement.classList.contains('sidebar-visible')"


def tour(page):
    """Everything that Tab comes to, in its order."""
    met = []
    for _ in range(300):
        page.press("Tab")
        focus = page.run(FOCUS)
        if focus is None:
            return met
        name, kind, seen = focus
        if not seen:
            sys.exit(f"{page.url()}: nobody sees that `{name}` has the focus")
        met.append((name, kind))
    return met


def check(book):
    with book.browser() as page:
        page.open(book.address("en", "session-create.html"))
        met = tour(page)
        names = [name for name, _ in met]
        expect("the first that Tab comes to", names[0], "skip")
        expect("what Tab does not come to", WANTED - set(names), set())
        for kind, selector in (("SUMMARY", "main summary"), ("CODE", "main figure pre > code")):
            wanted = page.run("return document.querySelectorAll(arguments[0]).length", selector)
            found = sum(1 for _, other in met if other == kind)
            expect(f"{kind}: how many Tab comes to", found >= wanted > 0, True)

        page.open(book.address("en", "session-create.html"))
        page.press("Tab", "Enter")
        expect("the link past the contents", page.run("return location.hash"), "#mdbook-content")
        page.press("Tab")
        inside = page.run("return document.activeElement.closest('#mdbook-content') !== null")
        expect("what follows it is in the text", inside, True)

        page.open(book.address("en", "session-create.html"))
        page.press("ArrowRight")
        page.wait("the next page", f"{PLACE} === 'session-delete.html'")
        page.press("ArrowLeft")
        page.wait("the page before", f"{PLACE} === 'session-create.html'")

        before = page.run(CONTENTS)
        page.run("document.getElementById('mdbook-sidebar-toggle').focus()")
        page.press("Enter")
        expect("Enter on the button of the contents", page.run(CONTENTS), not before)
        page.press("Space")
        expect("Space on it", page.run(CONTENTS), before)

        page.run("document.querySelector('main summary').focus()")
        page.press("Enter")
        page.wait("an answer to unfold", "return document.querySelector('main details').open")

        page.open(book.address("ru", "introduction.html"))
        for script, name in (("", "s"), (RUSSIAN_S, "ы")):
            page.open(book.address("ru", "introduction.html"))
            if script:
                page.run(script)
            else:
                page.press("s")
            page.wait(f"the search by the key {name}", SEARCH)

        page.size(400, 800)
        page.open(book.address("en", "session-create.html"))
        page.run("const code = [...document.querySelectorAll('main pre > code')]"
                 ".find((one) => one.scrollWidth > one.clientWidth); code.id = 'wide'; code.focus()")
        page.press("ArrowRight")
        page.wait("a wide listing to move", "return document.getElementById('wide').scrollLeft > 0")
    return "all is reached by Tab and seen; pages, contents, answers and search answer to keys"
