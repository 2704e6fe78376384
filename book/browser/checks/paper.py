"""The page for printing: all chapters, answers unfolded, no navigation, no listing cut or broken."""

import base64
import re

from check import expect

# What a page of A4 has between its edges, in pixels of style sheets.
PAPER = (720, 1040)

LOOK = """
    const [height] = arguments;
    const shown = (element) => element.checkVisibility({ visibilityProperty: true });
    const names = (list) => list.map((element) => element.outerHTML.slice(0, 80));
    const all = (selector) => [...document.querySelectorAll(selector)];
    // Lines of one listing are equally high, unless one is broken.
    const broken = all(".listing .lines").flatMap((lines) => {
        const heights = [...lines.querySelectorAll(".line")].map((line) => line.getBoundingClientRect().height);
        const least = Math.min(...heights);
        return [...lines.querySelectorAll(".line")].filter((_, at) => heights[at] > 1.5 * least);
    });
    return {
        chapters: all("main h1").length,
        listings: all("main .listing .number").filter(shown).length,
        broken: names(broken),
        folded: names(all("main details > :not(summary)").filter((answer) => !shown(answer))),
        tall: names(all("main .listing").filter((one) => one.getBoundingClientRect().height > height)),
        around: names(all("nav a, button, .menu-bar, .skip, form").filter(shown)),
        wide: document.documentElement.scrollWidth > window.innerWidth,
    };
"""


def check(book):
    printed = []
    for edition in ("en", "ru"):
        with book.browser(*PAPER, theme="dark") as page:
            # It would open the window for printing, and wait.
            page.tell("Page.addScriptToEvaluateOnNewDocument", source="window.print = () => {};")
            page.open(book.address(edition, "print.html", disk=True))
            page.tell("Emulation.setEmulatedMedia", media="print")
            look = page.run(LOOK, PAPER[1])
            expect(f"{edition}: chapters", look["chapters"], len(book.pages(edition)))
            expect(f"{edition}: numbered listings", look["listings"] > 20, True)
            for what in ("broken", "folded", "tall", "around"):
                expect(f"{edition}: {what} on paper", look[what], [])
            expect(f"{edition}: wider than the paper", look["wide"], False)
            page.tell("Emulation.setEmulatedMedia", media="")
            # A4 in inches. The driver's own command for it gives up after ten seconds.
            printing = page.tell("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
            pdf = base64.b64decode(printing["data"])
            sheets = len(re.findall(rb"/Type\s*/Page\b", pdf))
            expect(f"{edition}: a sheet for each chapter at least", sheets > look["chapters"], True)
            printed.append(f"{sheets} sheets of {look['chapters']} chapters")
    return " and ".join(printed) + ", answers unfolded and listings whole"
