"""Without scripts the book can be read: text, listings, outputs, pictures, contents, other edition."""

from check import expect

READ = """
    const shown = (element) => {
        const box = element.getBoundingClientRect();
        const style = getComputedStyle(element);
        return box.width > 0 && box.height > 0 && style.visibility === "visible" && style.opacity === "1";
    };
    const parts = "main h1, main h2, main p, .listing .line, .output .line, main svg, main summary, .edition a";
    const seen = [...document.querySelectorAll(parts)].filter((part) => !part.closest("details:not([open]) > :not(summary)"));
    const main = document.querySelector("main").getBoundingClientRect();
    const contents = document.querySelector("iframe.sidebar-iframe-outer").getBoundingClientRect();
    return {
        scripts: document.documentElement.classList.contains("js"),
        parts: seen.length,
        hidden: seen.filter((part) => !shown(part)).map((part) => part.outerHTML.slice(0, 80)),
        covered: contents.right > main.left && contents.left >= 0 && contents.width > 0,
        wide: document.documentElement.scrollWidth > window.innerWidth,
    };
"""


def check(book):
    pages = 0
    for width in (1200, 360):
        with book.browser(width) as page:
            page.tell("Emulation.setScriptExecutionDisabled", value=True)
            for edition in ("en", "ru"):
                for name in book.pages(edition)[:8]:
                    page.open(book.address(edition, name))
                    read = page.run(READ)
                    where = f"{edition}/{name} at {width}"
                    expect(f"{where}: scripts ran", read["scripts"], False)
                    expect(f"{where}: there is something to read", read["parts"] > 5, True)
                    expect(f"{where}: what is not shown", read["hidden"], [])
                    expect(f"{where}: covered by the contents", read["covered"], False)
                    expect(f"{where}: wider than the screen", read["wide"], False)
                    pages += 1
    return f"{pages} pages can be read without scripts"
