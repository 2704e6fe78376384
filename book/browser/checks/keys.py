"""Everything that the mouse does, the keyboard does, and what has the focus is seen to have it."""

import sys

from check import expect
from checks.running import PROGRAM, VERDICT
from programs import BUILD_PATIENCE

# What has the focus: a name for it, and whether it shows, and nothing is before it.
FOCUS = """
    const focused = document.activeElement;
    if (focused === document.body) { return null; }
    const style = getComputedStyle(focused);
    const box = focused.getBoundingClientRect();
    const name = focused.id || focused.className || focused.nodeName;
    const inside = (place, size) => Math.min(Math.max(place, 1), size - 2);
    const clear = [...focused.getClientRects()].some((part) => focused.contains(document.elementFromPoint(
        inside(part.left + part.width / 2, innerWidth), inside(part.top + part.height / 2, innerHeight))));
    return [String(name).trim() || focused.nodeName, focused.nodeName,
        style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
        && box.width > 0 && box.bottom > 0 && box.left >= 0 && clear];
"""
WANTED = {"skip", "mdbook-sidebar-toggle", "mdbook-theme-toggle", "mdbook-search-toggle"}
PLACE = "return location.pathname.split('/').pop()"
# As a Russian keyboard sends the key of the letter S.
RUSSIAN_S = """
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ы", code: "KeyS", bubbles: true }));
"""
SEARCH = "return !document.getElementById('mdbook-search-wrapper').classList.contains('hidden')"
CONTENTS = "return document.documentElement.classList.contains('sidebar-visible')"


def tour(page, key="Tab"):
    """Everything that Tab comes to, in its order."""
    met = []
    for _ in range(300):
        page.press(key)
        focus = page.run(FOCUS)
        if focus is None:
            return met
        name, kind, seen = focus
        if not seen:
            # The bar follows the text in the next frame.
            page.wait(f"`{name}`, which has the focus, to be seen", f"return (() => {{{FOCUS}}})()[2]", patience=5)
        met.append((name, kind))
    return met


def focused(page, what, wanted):
    """Waits until this has the focus, and is seen to have it."""
    page.wait(f"the focus, {what}, on `{wanted}`", """
        const focused = document.activeElement;
        return [focused.id, focused.className, focused.textContent].includes(arguments[0]);
    """, wanted)
    expect(f"the focus on `{wanted}`, {what}, is seen", page.run(FOCUS)[2], True)


def runs_and_edits(page, book):
    """A program is run and stopped, and an exercise edited, and the focus never falls out of its figure."""
    page.open(book.address("en", "session-create.html"))
    page.wait("the server's word that programs run", "return document.querySelector('[data-served]') !== null;")
    button = "document.querySelector('figure[data-program] .run-bar button')"
    page.run(f"{button}.focus()")
    page.press("Enter")
    page.wait("the program to end", VERDICT, PROGRAM, patience=BUILD_PATIENCE)
    focused(page, "when it has ended", "Run")
    page.press("Tab")
    focused(page, "after Run", "Edit")
    page.press("Enter")
    focused(page, "in the editor", "run-editor")
    page.press("ArrowRight", "ArrowLeft", "s", "?")
    expect("what is typed in the editor", page.run("return document.activeElement.value.slice(0, 4)"), "s?//")
    page.press("Escape")
    focused(page, "out of the editor", "Run")
    page.press("Shift+Tab", "Tab")
    focused(page, "Tab out of the editor", "Run")
    page.run("document.querySelector('.run-editor').value = arguments[0]",
             'fn main() { println!("waits"); std::thread::sleep(std::time::Duration::from_secs(9999)); }')
    page.press("Enter")
    page.wait("its line", "return document.querySelector('.run-output').textContent === 'waits\\n'",
              patience=BUILD_PATIENCE)
    focused(page, "while it runs", "Stop")
    page.press("Enter")
    focused(page, "when it was stopped", "Run")
    page.press("Tab", "Enter", "Enter")
    focused(page, "when the editor is closed", "Run")

    page.open(book.address("ru", "session-create.html"))
    page.wait("the exercise", "return document.querySelector('figure[data-exercise][data-served]') !== null;")
    page.run("[...document.querySelectorAll('figure[data-exercise] .run-bar button')]"
             ".find((one) => !one.hidden).focus()")
    page.press("Enter")
    focused(page, "in the exercise", "run-editor")
    before = "const it = document.activeElement; return it.value.slice(it.selectionStart, it.selectionStart + 5)"
    expect("the cursor is before", page.run(before), "todo!")


def menus(page, book):
    """The themes and the search, which mdBook brings."""
    page.open(book.address("en", "cache.html"))
    page.run("document.getElementById('mdbook-theme-toggle').focus()")
    page.press("Enter", "Home")
    for key, theme in (("ArrowDown", "light"), ("ArrowDown", "navy"), ("ArrowUp", "light"), ("End", "navy")):
        page.press(key)
        focused(page, f"by {key}", f"mdbook-theme-{theme}")
    page.press("Escape")
    focused(page, "when the themes are closed", "mdbook-theme-toggle")
    page.press("s")
    page.wait("the search", SEARCH)
    page.press("Escape")
    focused(page, "when the search is closed", "mdbook-search-toggle")


def narrow(page, book):
    """On a telephone the contents are over the text, and take the focus."""
    page.size(360, 740)
    page.open(book.address("en", "cache.html"))
    page.run("document.getElementById('mdbook-sidebar-toggle').focus()")
    page.press("Enter")
    page.wait("the page's own link", "return document.activeElement.matches('#mdbook-sidebar a.active')")
    page.press("Escape")
    focused(page, "when the contents are closed", "mdbook-sidebar-toggle")
    expect("the contents after Escape", page.run(CONTENTS), False)


def check(book):
    with book.browser() as page:
        book.enter(page)
        runs_and_edits(page, book)
        menus(page, book)
        narrow(page, book)
    for theme, width in (("light", 1200), ("dark", 360)):
        with book.browser(width, theme=theme) as page:
            for name in ("introduction.html", "security.html"):
                page.open(book.address("ru", name))
                expect(f"{name}: there and back", set(tour(page)), set(tour(page, "Shift+Tab")))

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
    return "all is reached by Tab and seen; pages, contents, answers, menus and search answer to keys; no focus is lost"
